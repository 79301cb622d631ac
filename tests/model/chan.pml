/* chan.pml - channels, select and close: locks, waiters and parkers.
 *
 * Level     One step is taking or leaving a lock, one claim (a compare and
 *           swap on a parker), one access to a sleeper's memory, one futex
 *           call. What a lock guards changes in one step where no claim lies
 *           in between.
 * Shows     - no wake-up is lost: whoever waits for what is there or comes is
 *             served (else a deadlock), close wakes all
 *           - exactly one case of a select is carried out, by whom claimed it
 *           - elements leave a channel in the order they were accepted, none
 *             is lost, none doubled, a closed channel is drained first
 *           - the invariants of src/sync/chan_int.h: a receiver waits only on
 *             an empty channel, a sender only on one without room, nobody on a
 *             closed one (those claimed elsewhere do not count)
 *           - a sleeper's memory is touched only between claim and fire; no
 *             node of it is in a list when it returns
 * Runs      SCENE=1 two senders, two receivers, one channel
 *           SCENE=2 a select on two channels beside a plain receiver
 *           SCENE=3 a select that receives here and sends there, one that
 *                   gives up at a deadline
 *           SCENE=4 close at any moment, with a select on both channels
 *           SCENE=5 reserved slots; both ends of one channel in one select
 *           GROUP   both channels share one lock
 *           CAP=n   capacity of both
 * Faults    FAULT_*, see README.md; each must make spin fail
 *
 * Correspondence (src/sync):
 *   chan_lock, chan_unlock   ptd_mutex_lock, _unlock of c->group->mu
 *   claim_first              ptd_waiter_claim_first and ptd_park_claim
 *   deliver, admit           ptd_chan_deliver, ptd_chan_admit
 *   case_locked              ptd_chan_case_locked
 *   fire                     ptd_fires_run and ptd_park_fire
 *   park, give_up            ptd_park_wait, ptd_park_give_up
 *   one_case                 do_case of chan.c
 *   select                   steps 1 to 4 of select.c: try_cases, enter_cases,
 *                            ptd_clock_park, leave_cases
 */

#ifndef SCENE
#define SCENE 1
#endif
#ifndef CAP
#define CAP 1
#endif
#define N_THREADS 4

#ifdef GROUP
#define MU(c) mu[0]
#else
#define MU(c) mu[c]
#endif

/* A case: channel and direction in one number, so that a set is a byte. */
#define RECV(c) (1 << ((c) * 2))
#define SEND(c) (2 << ((c) * 2))
#define CHAN(k) ((k) / 2)
#define IS_SEND(k) ((k) % 2 == 1)
#define HAS(set, k) (((set) & (1 << (k))) != 0)
#define NOBODY 7
#define TIMEOUT 7 /* a result that is no case */

/* What a try gives. */
#define OK 0
#define CLOSED 1
#define MUST_WAIT 2

/* ---- channels, under their lock ---------------------------------------- */

bool mu[2];
bool closed[2];
byte n_reserved[2];
chan ring[2] = [CAP] of { byte };               /* elements: their numbers */
chan receivers[2] = [N_THREADS] of { byte };    /* waiters, as threads */
chan senders[2] = [N_THREADS] of { byte };
byte n_in[2], n_out[2];                         /* accepted, given out */

#define HAS_ROOM(c) (len(ring[c]) + n_reserved[c] < CAP)

/* ---- parkers ------------------------------------------------------------ */

#define RUNNING 0
#define WAITING 1
#define CLAIMED 2
#define FIRED 3

byte state[N_THREADS];    /* of word */
bool asleep[N_THREADS];   /* the other bit of word */
bool in_kernel[N_THREADS];
byte result[N_THREADS];
byte err[N_THREADS];      /* of the waiter that was served */
bool got[N_THREADS];      /* its memory holds an element */

/* ---- under the lock ------------------------------------------------------ */

inline chan_lock(c) { atomic { !MU(c) -> MU(c) = true } }

/* What holds whenever a lock is free (of those that nobody has claimed). */
#ifdef NO_CHECK /* leave it to the deadlock to show what comes of a fault */
inline check(c) { skip }
#else
inline check(c)
{
    t = 0;
    do
    :: t < N_THREADS ->
        assert(!(receivers[c]??[eval(t)]) || state[t] != WAITING ||
               (len(ring[c]) == 0 && !closed[c]));
        assert(!(senders[c]??[eval(t)]) || state[t] != WAITING ||
               (!HAS_ROOM(c) && !closed[c]));
        t++
    :: t >= N_THREADS -> break
    od;
    t = 0
}
#endif

inline chan_unlock(c) { d_step { check(c); MU(c) = false } }

/* w is the first that could be claimed, or NOBODY. Each claim is a step: the
 * same sleeper may be claimed through another channel at the same time. */
inline claim_first(list, k)
{
    w = NOBODY;
    do
    :: d_step {
            w == NOBODY && nempty(list) ->
            list?w;
            if
            :: state[w] == WAITING ->
                state[w] = CLAIMED;
                result[w] = k
            :: state[w] != WAITING -> w = NOBODY
            fi
        }
#ifdef FAULT_CLAIM_STOPS
        break
#endif
    :: w != NOBODY || empty(list) -> break
    od;
    skip
}

/* One element for which there is room: into a receiver's hands, or the ring.
 * v is its number. */
inline deliver(c)
{
    v = n_in[c];
    claim_first(receivers[c], (c) * 2);
    d_step {
        n_in[c]++;
        if
        :: w != NOBODY ->
            assert(state[w] == CLAIMED && !got[w]);
            assert(v == n_out[c]); /* first in, first out */
            n_out[c]++;
            got[w] = true;
            err[w] = OK;
            fires = fires | (1 << w)
        :: w == NOBODY -> ring[c]!v
        fi;
        v = 0;
        w = 0
    }
}

/* There may be room: let waiting senders go on. */
inline admit(c)
{
    do
    :: nempty(senders[c]) && HAS_ROOM(c) ->
        claim_first(senders[c], (c) * 2 + 1);
        s = w;
        if
        :: s != NOBODY ->
#ifdef FAULT_ADMIT_RING
            d_step { ring[c]!n_in[c]; n_in[c]++ };
#else
            deliver(c);
#endif
            d_step {
                assert(state[s] == CLAIMED);
                err[s] = OK;
                fires = fires | (1 << s);
                s = 0
            }
        :: s == NOBODY -> s = 0
        fi
    :: empty(senders[c]) || !HAS_ROOM(c) -> break
    od
}

/* e: OK, CLOSED or MUST_WAIT. */
inline send_locked(c)
{
    if
    :: closed[c] -> e = CLOSED
    :: !closed[c] && !HAS_ROOM(c) -> e = MUST_WAIT
    :: !closed[c] && HAS_ROOM(c) -> deliver(c); e = OK
    fi
}

inline recv_locked(c)
{
    if
    :: nempty(ring[c]) ->
        d_step {
            ring[c]?v;
            assert(v == n_out[c]); /* first in, first out */
            n_out[c]++;
            v = 0
        };
        admit(c);
        e = OK
    :: empty(ring[c]) && closed[c] -> e = CLOSED
    :: empty(ring[c]) && !closed[c] -> e = MUST_WAIT
    fi
}

inline case_locked(k)
{
    if
    :: IS_SEND(k) -> send_locked(CHAN(k))
    :: !IS_SEND(k) -> recv_locked(CHAN(k))
    fi
}

/* ---- without locks -------------------------------------------------------- */

/* Wake all whom we claimed. */
inline fire()
{
    do
    :: fires != 0 ->
        d_step {
            t = 0;
            do
            :: HAS(fires, t) -> break
            :: !HAS(fires, t) -> t++
            od;
            fires = fires & ~(1 << t);
            assert(state[t] == CLAIMED);
            state[t] = FIRED; /* an exchange: the old word tells */
            w = (asleep[t] -> t : NOBODY);
            asleep[t] = false;
            t = 0
        };
        if
        :: d_step { w != NOBODY -> in_kernel[w] = false; w = 0 }
        :: d_step { w == NOBODY -> w = 0 }
        fi
    :: fires == 0 -> break
    od;
    skip
}

/* Sleep until fired, or, if can_time_out, to the deadline: r. */
inline park(can_time_out)
{
#ifdef FAULT_PARK_RACE
    x = state[me]; /* looks, then says that it sleeps */
    d_step {
        if
        :: x != FIRED -> asleep[me] = true; state[me] = x
        :: x == FIRED
        fi
    };
#else
    d_step { asleep[me] = true; x = state[me] };
#endif
    do
    :: x != FIRED ->
        d_step { /* futex wait: only while the word is what was seen */
            if
            :: state[me] == x && asleep[me] -> in_kernel[me] = true
            :: else
            fi
        };
        if
        :: d_step { !in_kernel[me] -> x = state[me] }
        :: can_time_out -> /* give_up: claim myself, or be served yet */
            d_step {
                in_kernel[me] = false;
                if
#ifdef FAULT_TIMEOUT_NO_CLAIM
                :: true -> result[me] = TIMEOUT; x = FIRED
#else
                :: state[me] == WAITING ->
                    state[me] = CLAIMED;
                    result[me] = TIMEOUT;
                    x = FIRED
                :: state[me] != WAITING -> x = state[me]
#endif
                fi
            }
        fi
    :: x == FIRED -> break
    od;
    skip;
    d_step {
        state[me] = RUNNING;
        asleep[me] = false;
        r = result[me];
        result[me] = 0;
        x = 0;
        if
        :: r != TIMEOUT -> e = err[me]; err[me] = OK
        :: r == TIMEOUT
        fi;
        if
        :: r != TIMEOUT && !IS_SEND(r) && e == OK ->
            assert(got[me]);
            got[me] = false
        :: else -> assert(!got[me])
        fi
    }
}

inline enter_list(k)
{
    if
    :: IS_SEND(k) -> senders[CHAN(k)]!me
    :: !IS_SEND(k) -> receivers[CHAN(k)]!me
    fi
}

inline leave_list(k)
{
    if
    :: IS_SEND(k) ->
        if
        :: senders[CHAN(k)]??[eval(me)] -> senders[CHAN(k)]??eval(me)
        :: !(senders[CHAN(k)]??[eval(me)])
        fi
    :: !IS_SEND(k) ->
        if
        :: receivers[CHAN(k)]??[eval(me)] -> receivers[CHAN(k)]??eval(me)
        :: !(receivers[CHAN(k)]??[eval(me)])
        fi
    fi
}

/* My stack may go: nobody has a node of mine. */
inline gone_from_lists()
{
    d_step {
        state[me] = RUNNING;
        asleep[me] = false;
        assert(!(senders[0]??[eval(me)]));
        assert(!(senders[1]??[eval(me)]));
        assert(!(receivers[0]??[eval(me)]));
        assert(!(receivers[1]??[eval(me)]))
    }
}

/* ptd_chan_send, ptd_chan_recv. */
inline one_case(k)
{
    chan_lock(CHAN(k));
    case_locked(k);
    if
    :: e != MUST_WAIT -> chan_unlock(CHAN(k)); r = k; fire()
    :: e == MUST_WAIT ->
#ifdef FAULT_ENTER_LATE
        chan_unlock(CHAN(k)); /* checks, lets go, then queues itself */
        chan_lock(CHAN(k));
#endif
        d_step { state[me] = WAITING; enter_list(k) };
        chan_unlock(CHAN(k));
        park(timed);
        if
        :: r == TIMEOUT ->
            chan_lock(CHAN(k));
            d_step { leave_list(k) };
            chan_unlock(CHAN(k))
        :: r != TIMEOUT
        fi
    fi;
    gone_from_lists()
}

/* In a group the one lock is held over all cases; else it goes from case to
 * case. (The code keeps it between cases of one channel; letting go is only
 * the harder case.) */
#ifdef GROUP
#define HOLD(c) skip
#define LET_GO(c) skip
#define HOLD_ALL chan_lock(0)
#define LET_GO_ALL chan_unlock(0)
#else
#define HOLD(c) chan_lock(c)
#define LET_GO(c) chan_unlock(c)
#define HOLD_ALL skip
#define LET_GO_ALL skip
#endif

inline next_in_set(mask)
{
    do
    :: i < 4 && !HAS(mask, i) -> i++
    :: i >= 4 || HAS(mask, i) -> break
    od;
    skip
}

inline select_cases()
{
    /* 1: try all from a random start; todo are those not tried yet. */
    HOLD_ALL;
    todo = set;
    r = NOBODY;
    if
    :: HAS(set, 0) -> i = 0
    :: HAS(set, 1) -> i = 1
    :: HAS(set, 2) -> i = 2
    :: HAS(set, 3) -> i = 3
    fi;
    do
    :: r == NOBODY && todo != 0 ->
        HOLD(CHAN(i));
        case_locked(i);
        LET_GO(CHAN(i));
        d_step {
            todo = todo & ~(1 << i);
            if
            :: e != MUST_WAIT -> r = i
            :: e == MUST_WAIT ->
                do
                :: todo != 0 && !HAS(todo, i) -> i = (i + 1) % 4
                :: todo == 0 || HAS(todo, i) -> break
                od
            fi;
            skip
        }
    :: r != NOBODY || todo == 0 -> break
    od;
    if
    :: r != NOBODY -> LET_GO_ALL
    :: r == NOBODY ->
        /* 2: put waiters down, looking once more before each. */
        d_step { state[me] = WAITING; todo = 0; i = 0; next_in_set(set) };
        do
        :: r == NOBODY && i < 4 ->
            HOLD(CHAN(i));
            d_step {
                x = (closed[CHAN(i)] ||
                     (IS_SEND(i) && HAS_ROOM(CHAN(i))) ||
                     (!IS_SEND(i) && len(ring[CHAN(i)]) > 0));
#ifdef FAULT_LOST_SIGNAL
                x = false
#endif
            };
            if
            :: x ->
                d_step {
                    x = false;
                    if
                    :: state[me] == WAITING -> state[me] = CLAIMED; r = i
                    :: state[me] != WAITING -> r = 6 /* served already */
                    fi
                };
                if
                :: r == i -> case_locked(i)
                :: r != i
                fi
            :: !x ->
                d_step {
                    enter_list(i);
                    todo = todo | (1 << i)
                }
            fi;
            LET_GO(CHAN(i));
            d_step { i++; next_in_set(set) }
        :: r != NOBODY || i >= 4 -> break
        od;
        LET_GO_ALL;
        /* 3: sleep. */
        if
        :: r == NOBODY -> park(timed)
        :: r == 6 -> park(false)
        :: r < 6
        fi;
        /* 4: take the waiters off. */
        d_step { i = 0; next_in_set(todo) };
        HOLD_ALL;
        do
        :: i < 4 ->
            HOLD(CHAN(i));
            d_step { leave_list(i) };
            LET_GO(CHAN(i));
            d_step { i++; next_in_set(todo) }
        :: i >= 4 -> break
        od;
        LET_GO_ALL
    fi;
    i = 0;
    todo = 0;
    fire();
    gone_from_lists()
}

/* ptd_chan_close. */
inline close_chan(c)
{
    chan_lock(c);
    closed[c] = true;
    do
    :: nempty(receivers[c]) ->
        claim_first(receivers[c], (c) * 2);
        d_step {
            if
            :: w != NOBODY -> err[w] = CLOSED; fires = fires | (1 << w)
            :: w == NOBODY
            fi;
            w = 0
        }
#ifdef FAULT_CLOSE_ONE
        break
#endif
    :: empty(receivers[c]) -> break
    od;
    do
    :: nempty(senders[c]) ->
        claim_first(senders[c], (c) * 2 + 1);
        d_step {
            if
            :: w != NOBODY -> err[w] = CLOSED; fires = fires | (1 << w)
            :: w == NOBODY
            fi;
            w = 0
        }
    :: empty(senders[c]) -> break
    od;
    chan_unlock(c);
    fire()
}

/* ---- who uses them ---------------------------------------------------------- */

byte n_done;

/* Carries out n cases out of a set, fewer if their channels are closed; may
 * give up waiting if timed; may close channel 0 at the end. */
proctype User(byte me, set, n; bool timed, closes)
{
    byte e, i, r, s, t, todo, v, w, x, fires;

    do
    :: n > 0 && set != 0 ->
        if
        :: (set & (set - 1)) == 0 ->
            d_step { i = 0; next_in_set(set) };
            one_case(i)
#if SCENE != 1
        :: (set & (set - 1)) != 0 -> select_cases()
#endif
        fi;
        d_step {
            if
            :: r != TIMEOUT && e == CLOSED -> set = set & ~(1 << r)
            :: else -> n--
            fi;
            i = 0;
            e = 0;
            r = 0
        }
    :: n == 0 || set == 0 -> break
    od;
#if SCENE == 3
    if
    :: closes -> close_chan(0)
    :: !closes
    fi;
#endif
    n_done++
}

#if SCENE == 4
/* Closes both, one of them twice. */
proctype Closer(byte me)
{
    byte s, t, v, w, fires;

    close_chan(0);
    close_chan(1);
    close_chan(0);
    n_done++
}
#endif

#if SCENE == 5
/* Holds a slot reserved, uses it or gives it back, and closes at the end. */
proctype Reserver(byte me)
{
    byte s, t, v, w, fires;

    chan_lock(0);
    n_reserved[0]--;
    if
    :: deliver(0)
    :: true
    fi;
    admit(0);
    chan_unlock(0);
    fire();
    n_done == 2;
    close_chan(0);
    n_done++
}
#endif

init
{
    atomic {
#if SCENE == 1
        run User(0, SEND(0), 2, false, false);
        run User(1, SEND(0), 1, false, false);
        run User(2, RECV(0), 2, false, false);
        run User(3, RECV(0), 1, false, false)
#elif SCENE == 2
        run User(0, SEND(0), 3, false, false);
        run User(1, SEND(1), 1, false, false);
        run User(2, RECV(0) | RECV(1), 2, false, false);
        run User(3, RECV(0), 1, false, false)
#elif SCENE == 3
        run User(0, SEND(0), 2, false, true);
        run User(1, RECV(0) | SEND(1), 2, true, false);
        run User(2, RECV(1), 1, true, false);
        run User(3, RECV(0), 9, false, false)
#elif SCENE == 4
        run User(0, SEND(0), 2, false, false);
        run User(1, SEND(1), 1, false, false);
        run User(2, RECV(0) | RECV(1), 9, false, false);
        run Closer(3)
#elif SCENE == 5
        n_reserved[0] = 1;
        run Reserver(0);
        run User(1, RECV(0) | SEND(0), 1, false, false);
        run User(2, SEND(0), 1, false, false);
        run User(3, RECV(0), 9, false, false)
#endif
    };
    d_step {
        n_done == N_THREADS ->
        assert(n_in[0] == n_out[0] + len(ring[0]));
        assert(n_in[1] == n_out[1] + len(ring[1]));
#if SCENE == 4
        assert(empty(ring[0]) && empty(ring[1])) /* drained */
#elif SCENE == 3 || SCENE == 5
        assert(empty(ring[0]))
#endif
    }
}
