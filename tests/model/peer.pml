/* peer.pml - the five threads of one peer, their channels and the token.
 *
 * Level     One step is one channel operation, one critical section under the
 *           peer's lock, one access to an atomic, or one system call. Channels
 *           themselves are taken as right; chan.pml looks into them. Steps
 *           that commute with all that others do are joined; the comment at
 *           the spot says why they do.
 * Shows     - all five threads end after a disconnect from any side at any
 *             moment, every caller returns, the owner's join returns
 *           - every accepted message ends exactly once, sent or dropped; its
 *             done channel hears so exactly once and has room for it
 *           - no message is dropped while the peer is connected
 *           - messages start on the wire in the order of their acceptance,
 *             no frame is cut by another
 *           - nothing leaves before the handshake is done
 *           - token free implies n_ahead = 0; send_q and done_q never block;
 *             batch is empty when queue gets the token
 *           - gone is posted once, by the last thread, and nothing after it
 * Runs      (none)   a disconnect comes at any moment
 *           CALM     it comes only once all was sent: what is lost or stuck
 *                    before that shows as a deadlock
 *           MUTE     the remote falls silent at any moment, and only stall
 *                    can end the peer: a wake that stall misses is a deadlock
 *           MSGS=set which messages take part: CALLERS, INSIDE, EARLY,
 *                    OWNERS, INVENTORY, SIX, ONE, TWO
 * Faults    FAULT_*, see README.md; each must make spin fail
 *
 * Channels, members and functions are named as in src/peer.
 */

/* The messages; each is queued once. */
#define A0 0    /* caller A, with done */
#define A1 1    /* caller A, with done, after A0 */
#define B0 2    /* caller B, with done */
#define PING 3  /* the ping thread, which only tries */
#define REPLY 4 /* a callback on thread in */
#define INV 5   /* made by queue out of inv_q */
#define HELLO 6 /* a callback on thread in, before the handshake is done */
#define OWN 7   /* the owner, at any moment */
#define NONE 8
#define BIT(m) (1 << (m))
/* Sets of them. */
#define CALLERS (BIT(A0) | BIT(A1) | BIT(B0))
#define INSIDE (BIT(A0) | BIT(PING) | BIT(REPLY))
#define EARLY (BIT(A0) | BIT(REPLY) | BIT(HELLO))
#define OWNERS (BIT(A0) | BIT(OWN))
#define INVENTORY (BIT(A0) | BIT(B0) | BIT(INV))
#define SIX (CALLERS | BIT(PING) | BIT(REPLY) | BIT(INV))
#define ONE BIT(A0)
#define TWO (BIT(A0) | BIT(A1))
#ifndef MSGS
#define MSGS CALLERS
#endif
#define HAS(m) (((MSGS) & BIT(m)) != 0)
#define N_A (HAS(A1) -> 2 : 1)

#if defined(CALM) || defined(MUTE)
#define PATIENT true /* nobody but stall disconnects before all is sent */
#else
#define PATIENT false
#endif

/* ---- channels, a closed flag beside each ----------------------------- */

chan output_q = [1] of { byte }; /* 50 in the code; 1 makes it full often */
chan inv_q = [1] of { bit };
chan done_q = [1] of { bit };
chan send_q = [1] of { bit };
chan stall_q = [1] of { bit };
chan owner_q = [0] of { mtype }; /* the owner's channel, at its tightest */
chan done_a = [2] of { byte };
chan done_b = [1] of { byte };
mtype = { READY, CALL };

bool output_closed; /* and inv_q, done_q: queue closes all it receives from */
bool send_closed;
#ifdef MUTE
bool stall_closed;
#endif
bool quit; /* the channel quit: closed */

/* ---- the peer -------------------------------------------------------- */

bool stopping;       /* state is PTD_PEER_STOPPING */
bool broken;         /* the socket was shut down, or the other side broke it */
bool ready;          /* state was PTD_PEER_READY: both veracks are in */
bool gate;           /* queue, out and ping were given their jobs */
bool token_free;     /* at birth in holds the token: it writes the handshake */
byte n_ahead;        /* accepted, not yet passed on */
byte n_running = 2;  /* in and stall; the other three from the gate on (ping
                      * only where it has something to send) */
#define N_PING (HAS(PING) -> 1 : 0)
bool gone;           /* posted by the last of them */
chan batch = [7] of { byte };   /* the token holder's list */
bool added;                     /* n_added: its first frame was begun */
chan pending = [7] of { byte }; /* queue's list */

#ifdef MUTE
bool writing; /* write_since_us: out is in a blocking write */
bool armed;   /* armed_us: stall wakes at a deadline, not only by stall_q */
#endif

/* ---- the world, and what is only looked at --------------------------- */

#ifdef MUTE
bool mute; /* the remote neither reads nor sends */
#else
#define mute false
#endif
chan accepted = [7] of { byte }; /* order of acceptance, while connected */
byte midframe = NONE;            /* a frame has begun and not ended */
byte made, finished, refused;    /* sets of messages */
byte res_a, res_b;               /* slots reserved in done_a, done_b */
byte callers = 1 + (HAS(B0) -> 1 : 0);
#ifdef FAULT_OVERTAKE
bool out_busy;
#endif

/* ---- steps: all inside d_step or atomic, save where they say ------------ */

/* ptd_outmsg_finish: the message ends, its done channel hears so. */
inline finish(m)
{
    assert((made & BIT(m)) && !(finished & BIT(m))); /* exactly once */
    finished = finished | BIT(m);
    if
    :: m == A0 || m == A1 ->
        assert(res_a > 0 && nfull(done_a)); /* the slot was reserved */
        res_a--;
        done_a!m
    :: m == B0 ->
        assert(res_b > 0 && nfull(done_b));
        res_b--;
        done_b!m
    :: else
    fi
}

inline drop(m)
{
    assert(broken); /* nothing is lost while connected */
    finish(m)
}

inline drop_list(list)
{
    do
    :: nempty(list) -> list?x; drop(x)
    :: empty(list) -> break
    od;
    x = 0
}

/* No byte leaves any more. */
inline break_socket()
{
    broken = true;
    midframe = NONE;
    do
    :: nempty(accepted) -> accepted?_
    :: empty(accepted) -> break
    od;
    skip
}

/* ptd_peer_disconnect: mark and shut the socket down under the lock, then
 * close quit. Who comes second returns at once, maybe before quit is closed.
 * Two steps; not inside d_step. */
inline disconnect()
{
    if
    :: d_step {
            !stopping ->
            stopping = true;
            break_socket()
        };
        quit = true
    :: stopping
    fi
}

inline accept(m)
{
    if
    :: !broken -> accepted!m
    :: broken
    fi
}

/* The first byte of m goes out. */
inline frame_start(m)
{
    assert(ready);
    assert(midframe == NONE); /* one writer, whole frames */
    midframe = m;
    if
    :: m != INV ->
        assert(accepted?[eval(m)]); /* order of acceptance */
        accepted?_
    :: m == INV
    fi
}

/* ptd_token_give_back: one critical section; done_q has room, for only the
 * holder of the token sends on it. In the code the send follows the unlock;
 * n_ahead can only grow meanwhile, so one step stands for both. One step. */
inline give_back()
{
#ifdef FAULT_SPLIT_GIVE
    behind = (n_ahead > 0);
#endif
    d_step {
#ifndef FAULT_SPLIT_GIVE
        behind = (n_ahead > 0);
#endif
#ifdef FAULT_FREE_ALWAYS
        behind = false;
#endif
        if
        :: !behind -> token_free = true
        :: behind && !output_closed ->
            assert(nfull(done_q)); /* never blocks */
            done_q!1
        :: behind && output_closed
        fi;
        behind = false;
        assert(!token_free || n_ahead == 0)
    }
}

/* ptd_token_to_out: the token goes to out, with the batch; send_q has room for
 * the same reason. Who gets ECLOSED ends the messages himself. */
inline token_to_out()
{
    if
    :: send_closed -> drop_list(batch)
    :: !send_closed ->
        assert(nfull(send_q)); /* never blocks */
        send_q!1
    fi
}

#ifdef FAULT_OVERTAKE
inline after_taking(m)
{
    d_step {
        if
        :: !broken -> frame_start(m); midframe = NONE; finish(m)
        :: broken -> drop(m)
        fi
    }
}
#else
/* write_direct, or not: the holder tries one write without blocking. Whether
 * it is allowed to and how much the socket takes is chosen freely. */
inline after_taking(m)
{
    if
    :: d_step { batch!m; added = false; token_to_out() }
    :: d_step { !broken -> frame_start(m) };
        if
        :: d_step { !broken -> midframe = NONE; finish(m) }; /* all of it */
            give_back()
        :: d_step { batch!m; added = true; token_to_out() } /* the rest */
        fi
    :: d_step { (broken || !PATIENT) -> break_socket() }; /* it fails */
        disconnect();
        d_step { drop(m) };
        give_back()
    fi
}

#endif

#ifdef FAULT_DEAF_CALLER /* waits for room, or for the queue to be closed */
#define TOLD output_closed
#else
#define TOLD (output_closed || quit)
#endif

/* to_output_q, waiting: room or ECLOSED, whichever is there first. */
inline to_output_q(m)
{
    atomic {
        /* Under FAULT_NO_DRAIN queue drains, but never closes. */
        if
        :: !output_closed && nfull(output_q) -> output_q!m; accept(m)
        :: TOLD -> n_ahead--; drop(m)
        fi
    }
}

/* to_output_q, trying: on EFULL the message was not accepted. */
inline try_output_q(m)
{
    d_step {
        if
        :: output_closed -> n_ahead--; drop(m)
        :: !output_closed && full(output_q) ->
            n_ahead--;
            made = made & ~BIT(m);
            refused = refused | BIT(m)
        :: !output_closed && nfull(output_q) -> output_q!m; accept(m)
        fi
    }
}

#ifdef FAULT_OVERTAKE
/* What looks enough, and is not: a message may be in queue's hands. */
#define MAY_TAKE (gate && len(output_q) == 0 && len(pending) == 0 && \
                  len(send_q) == 0 && !out_busy && midframe == NONE)
#else
#define MAY_TAKE token_free
#endif

/* The lock section of accept_outmsg; how == 0: stopping, 1: token, 2: ahead */
inline accept_locked(m)
{
    d_step {
        made = made | BIT(m);
        if
        :: stopping -> drop(m); how = 0
        :: !stopping && MAY_TAKE ->
#ifndef FAULT_OVERTAKE
            assert(n_ahead == 0);
            token_free = false;
#endif
            accept(m);
            how = 1
        :: !stopping && !(MAY_TAKE) -> n_ahead++; how = 2
        fi
    }
}

/* ptd_peer_queue. Several steps. */
inline queue_message(m)
{
    accept_locked(m);
    if
    :: how == 0
    :: how == 1 -> after_taking(m)
    :: how == 2 -> to_output_q(m)
    fi;
    how = 0
}

/* ptd_peer_try_queue. Several steps. */
inline try_queue_message(m)
{
    accept_locked(m);
    if
    :: how == 0
    :: how == 1 -> after_taking(m)
    :: how == 2 -> try_output_q(m)
    fi;
    how = 0
}

/* drain of queue. Between closing and draining nobody can send: who comes in
 * between meets ECLOSED just as later; so it is one step. */
inline close_queue()
{
#if !defined(FAULT_NO_DRAIN) && !defined(FAULT_DRAIN_FIRST)
    output_closed = true;
#endif
    drop_list(pending);
    drop_list(output_q)
}

/* ptd_peer_leave: the last closes what threads that never ran would have. */
inline leave()
{
    assert(!gone);
    n_running--;
    if
    :: n_running == 0 ->
#ifndef FAULT_UNSTARTED
        if
        :: !gate -> send_closed = true; close_queue()
        :: gate
        fi;
#endif
        gone = true
    :: n_running != 0
    fi
}

/* ---- stall and out --------------------------------------------------- */

#ifdef MUTE
inline nudge() /* ptd_stall_nudge: a full stall_q has a wake under way */
{
    if
    :: !armed ->
#ifdef FAULT_STALL_BLOCKS
        stall_q!1
#else
        d_step {
            if
            :: !stall_closed && nfull(stall_q) -> stall_q!1
            :: stall_closed || full(stall_q)
            fi
        }
#endif
    :: armed
    fi
}
#endif

/* ---- the five -------------------------------------------------------- */

proctype In()
{
    byte x, how;
    bool behind;

    /* The handshake: in holds the token. A callback may queue already. */
#if HAS(HELLO)
#ifdef FAULT_HELLO_BLOCKS
    queue_message(HELLO);
#else
    try_queue_message(HELLO);
#endif
#endif
#if HAS(OWN)
    owner_q!CALL; /* a callback that waits for the owner: on_version */
#endif
    if
    :: d_step { !stopping && !mute -> ready = true } /* become_ready */
    :: !PATIENT -> goto end_it /* refused, garbage, end of file */
    :: broken -> goto end_it
    fi;
    d_step { n_running = n_running + 2 + N_PING; gate = true }; /* ptd_peer_wake_rest */
    owner_q!READY;
    give_back();

    /* One message, whose callback answers and waits for the owner. */
    if
    :: !broken && !mute ->
#if HAS(REPLY)
        queue_message(REPLY);
        owner_q!CALL
#endif
    :: broken
    fi;
    if
    :: !PATIENT /* end of file, or a callback's wish */
    :: broken
    fi;
end_it:
    disconnect();
    d_step { leave() }
}

proctype Out()
{
    byte x, m;
    bool behind;

end_parked: /* a thread of the team; it may never be given its job */
    gate;
    do
    :: atomic {
            send_q?_;
#ifdef FAULT_OVERTAKE
            out_busy = true
#endif
        };
        do
        :: d_step { nempty(batch) -> batch?<m> };
#ifdef MUTE
            writing = true;
            nudge();
#endif
            if
            :: d_step {
                    !broken ->
                    if
                    :: added -> assert(midframe == m)
                    :: !added -> frame_start(m)
                    fi
                };
                if
                :: d_step {
                        !broken && !mute ->
                        midframe = NONE;
                        added = false;
                        batch?m;
                        finish(m);
                        m = 0
                    }
                :: d_step {
                        (broken || !PATIENT) ->
                        break_socket();
                        drop_list(batch);
                        m = 0
                    };
                    disconnect()
                fi
            :: d_step { broken -> drop_list(batch); m = 0 }; disconnect()
            fi;
#ifdef MUTE
            writing = false
#endif
        :: empty(batch) -> break
        od;
#ifdef FAULT_OVERTAKE
        out_busy = false;
#endif
        skip;
        give_back()
    :: quit -> break
    od;
    skip;
    d_step { /* close what I receive from, then drain it: as close_queue */
        send_closed = true;
        if
        :: nempty(send_q) -> send_q?_; drop_list(batch)
        :: empty(send_q)
        fi;
        leave()
    }
}

/* pass_on: queue holds the token and has something: all of it goes to out. In
 * the code the send follows the unlock; for all others the two commute. */
inline pass_on()
{
    assert(empty(batch));
    do
    :: nempty(pending) -> pending?x; n_ahead--; batch!x
    :: empty(pending) -> break
    od;
    x = 0;
    added = false;
    has_token = false;
    token_to_out()
}

inline pass_on_if_any()
{
    if
    :: has_token && nempty(pending) -> pass_on()
    :: !has_token || empty(pending)
    fi
}

proctype Queue()
{
    byte x, m;
    bool has_token, invs;

end_parked:
    gate;
    do
    :: output_q?m; /* now in queue's hands, in no list */
        d_step { pending!m; m = 0; pass_on_if_any() }
    :: d_step { nempty(done_q) -> done_q?_; has_token = true; pass_on_if_any() }
    :: inv_q?_ -> invs = true
    :: d_step { /* the trickle deadline: ptd_send_own */
            invs ->
            invs = false;
            made = made | BIT(INV);
            n_ahead++;
            pending!INV;
            if
            :: token_free -> token_free = false; has_token = true
            :: !token_free
            fi;
            pass_on_if_any()
        }
    :: quit -> break
    od;
    skip;
    d_step {
        close_queue();
        has_token = false;
        invs = false;
#ifndef FAULT_DRAIN_FIRST
        leave()
#endif
    };
#ifdef FAULT_DRAIN_FIRST
    output_closed = true;
    d_step { leave() }
#endif
}

/* When a deadline passes stall disconnects; where disconnects come at any
 * moment anyway (no MUTE) its deadlines are left out. */
proctype Stall()
{
    byte x;
#ifdef MUTE
    bool d;

    do
    :: d = (!ready || writing); /* arm */
        armed = d;
#ifndef FAULT_STALL_DEAF
        if
        :: !d && (!ready || writing) -> goto again
        :: else
        fi;
#endif
        if
        :: stall_q?_
        :: d -> /* the deadline passes */
            if
            :: !ready || writing -> disconnect()
            :: else
            fi
        :: quit -> break
        fi;
again:
        skip
    od;
    d = false;
#else
    quit;
#endif
    d_step {
#if defined(MUTE) && !defined(FAULT_STALL_BLOCKS)
        stall_closed = true;
#endif
        leave()
    }
}

#if HAS(PING)
proctype Ping()
{
    byte x, how;
    bool behind;

end_parked:
    gate;
    if
    :: try_queue_message(PING)
    :: quit
    fi;
    d_step { quit -> leave() }
}
#endif

/* ---- the others ------------------------------------------------------ */

proctype CallerA()
{
    byte x, how, m = A0;
    bool behind;

    res_a = N_A;
    do
    :: m < N_A -> queue_message(m); m++
    :: m == N_A -> break
    od;
    skip;
    d_step { /* waits for both */
        len(done_a) == N_A ->
        do
        :: nempty(done_a) -> done_a?_
        :: empty(done_a) -> break
        od;
        m = 0;
        callers--
    }
}

#if HAS(B0)
proctype CallerB()
{
    byte x, how;
    bool behind;

#if HAS(INV)
    d_step { /* ptd_peer_queue_inv: room or ECLOSED */
        (output_closed || nfull(inv_q)) ->
        if
        :: output_closed
        :: !output_closed -> inv_q!1
        fi
    };
#endif
    res_b = 1;
    queue_message(B0);
    done_b?_;
    callers--
}
#endif

/* The owner goes on receiving until gone, then joins. */
proctype Owner()
{
#if HAS(OWN)
    byte x, how;
    bool behind, queued;
#endif

    do
    :: owner_q?READY
    :: owner_q?CALL
#if HAS(OWN)
    :: d_step { !queued -> queued = true }; queue_message(OWN)
#endif
#ifdef FAULT_JOIN_EARLY
    :: quit -> break
#else
    :: gone -> break
#endif
    od;
    skip;
    d_step { n_running == 0 -> assert(gone) };
    callers == 0; /* they hold references, and must come home too */
    assert(finished == made)
}

/* A disconnect from outside: the owner, a command, another room. */
proctype Disconnector()
{
    (!PATIENT || (finished | refused) == MSGS || stopping);
    disconnect()
}

#ifdef MUTE
active proctype Remote()
{
    mute = true
}
#endif

init
{
    atomic {
        run In();
        run Out();
        run Queue();
        run Stall();
#if HAS(PING)
        run Ping();
#endif
#if HAS(B0)
        run CallerB();
#endif
        run CallerA();
        run Owner();
        run Disconnector()
    }
}
