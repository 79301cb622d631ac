/* pressure.pml - back-pressure between two peers.
 *
 * Level     One step is one access to an atomic, one critical section, one
 *           byte through a socket. A byte stands for half a megabyte; queue
 *           and out are one thread here, callers another.
 * Shows     - two peers who flood each other at once, read late and answer
 *             each request never lock, as long as what each side sends unasked
 *             fits the receive limit: all is delivered, all is answered
 *           - beyond that (BEYOND) the write deadline ends what locks
 *           - unhandled bytes stay within the receive limit; a handler runs
 *             only while no more than the send limit waited when it was let in
 *           - a pause ends when the queue has drained (no wake is lost), and
 *             no wake is for nothing (a latch left set would make in spin)
 * Runs      N_REQ=n SIZE=n ANSWER=n  requests of each side, their bytes, bytes
 *                                    of an answer
 *           BEYOND                   there is a write deadline
 * Faults    FAULT_*, see README.md; each must make spin fail
 *
 * Correspondence (src/peer):
 *   queued, paused, latch   p->queued, p->paused, p->wake
 *   count_out               count_out of send.c
 *   in_pause, is_drained    ptd_in_pause, is_drained of in.c; poll: read_on
 *   gate                    gate of in.c
 *   Out: one flush          write_batch: what a flush held is counted out when
 *                           all of it was written, the worst case for the
 *                           other side
 */

#ifndef N_REQ
#define N_REQ 2
#endif
#ifndef SIZE
#define SIZE 3
#endif
#ifndef ANSWER
#define ANSWER SIZE
#endif

#define SEND_LIMIT 2
#define LARGEST 4
#ifdef FAULT_RECV_LIMIT
#define RECV_LIMIT SEND_LIMIT
#else
#define RECV_LIMIT (SEND_LIMIT + LARGEST)
#endif
#define SLACK LARGEST /* QUEUE_SLACK_BYTES */
#define SOCKET 1      /* bytes that the kernel holds for one direction */
#define N_ALL (2 * N_REQ)

mtype = { REQUEST, REPLY };

/* Of side i: */
chan outq[2] = [N_ALL] of { mtype };        /* accepted, not yet in a flush */
chan flush[2] = [N_ALL] of { mtype };       /* being written */
chan socket[2] = [SOCKET] of { mtype, bool }; /* from i: a byte; the last one */
chan inbox[2] = [N_ALL] of { mtype };       /* whole frames, unhandled */
byte queued[2];
byte buffered[2]; /* bytes read, unhandled */
bool paused[2];
bool latch[2];
bool fresh[2];    /* the latch was set since in last woke by it */
#ifdef BEYOND
bool shut; /* a write deadline has passed; both ends see it */
#else
#define shut false
#endif

#define COST(m) ((m) == REQUEST -> SIZE : ANSWER)

/* ---- out ----------------------------------------------------------------- */

/* Lower queued; wake in if that crosses half the limit. */
inline count_out(cost)
{
    d_step {
        crossed = (queued[me] > SEND_LIMIT / 2 &&
                   queued[me] - cost <= SEND_LIMIT / 2);
        queued[me] = queued[me] - cost
    };
    if
    :: d_step {
            crossed ->
            crossed = false;
            if
            :: paused[me] -> latch[me] = true; fresh[me] = true
            :: !paused[me]
            fi
        }
    :: !crossed
    fi
}

proctype Out(byte me)
{
    mtype m = 0;
    byte left, total, written;
    bool crossed;

    do
    :: d_step { /* all that waits becomes one flush */
            empty(flush[me]) && nempty(outq[me]) && !shut ->
            do
            :: nempty(outq[me]) ->
                outq[me]?m;
                flush[me]!m;
                total = total + COST(m)
            :: empty(outq[me]) -> break
            od;
            flush[me]?<m>;
            left = COST(m)
        }
    :: d_step { /* the kernel takes a byte */
            nempty(flush[me]) && nfull(socket[1 - me]) && !shut ->
            socket[1 - me]!m, (left == 1);
            left--;
            if
            :: left == 0 ->
                flush[me]?m;
                written++;
                if
                :: nempty(flush[me]) -> flush[me]?<m>; left = COST(m)
                :: empty(flush[me]) -> m = 0
                fi
            :: left != 0
            fi
        };
        if
        :: empty(flush[me]) -> count_out(total); total = 0
        :: nempty(flush[me])
        fi
#ifdef BEYOND
    :: nempty(flush[me]) && full(socket[1 - me]) && !shut ->
        shut = true /* the deadline of a blocked write */
#endif
    :: written == N_ALL || shut -> break
    od
}

/* ---- in -------------------------------------------------------------------- */

#define IS_DRAINED (queued[me] <= SEND_LIMIT / 2)

inline read_byte()
{
    socket[me]?m, last;
    buffered[me]++;
    assert(buffered[me] <= SEND_LIMIT + LARGEST); /* the receive limit */
    if
    :: last -> inbox[me]!m
    :: !last
    fi;
    m = 0;
    last = false
}

/* Wait until the queue has drained to half; read on meanwhile, unhandled. */
inline in_pause()
{
#ifdef FAULT_PAUSE_RACE
    drained = IS_DRAINED; /* looks before it says that it waits */
    paused[me] = true;
#else
    paused[me] = true;
    drained = IS_DRAINED;
#endif
    do
    :: !drained && !shut ->
        if
#ifndef FAULT_PAUSE_STOPS
        :: d_step { buffered[me] < RECV_LIMIT && nempty(socket[me]) ->
                read_byte()
            }
#endif
        :: d_step {
                latch[me] ->
                assert(fresh[me]); /* no wake for nothing: in does not spin */
                fresh[me] = false;
#ifndef FAULT_LATCH_STUCK
                latch[me] = false
#endif
            }
        :: shut
        fi;
        drained = IS_DRAINED
    :: drained || shut -> break
    od;
    drained = false;
    skip;
    d_step { paused[me] = false; latch[me] = false; fresh[me] = false }
}

proctype In(byte me)
{
    mtype m = 0;
    byte n, handled;
    bool last, drained;

    do
    :: handled < N_ALL && nempty(inbox[me]) && !shut ->
        d_step {
            inbox[me]?m;
            buffered[me] = buffered[me] - COST(m);
            handled++;
            if
            :: m == REQUEST ->
                queued[me] = queued[me] + ANSWER;
                assert(queued[me] <= SEND_LIMIT + ANSWER + N_REQ * SIZE);
                outq[me]!REPLY
            :: m != REQUEST
            fi;
            m = 0
        };
#ifndef FAULT_NO_GATE
        if /* gate */
        :: queued[me] > SEND_LIMIT -> in_pause()
        :: queued[me] <= SEND_LIMIT
        fi
#endif
    :: d_step { handled < N_ALL && empty(inbox[me]) && nempty(socket[me]) ->
            read_byte()
        }
    :: handled == N_ALL || shut -> break
    od
}

/* ---- callers --------------------------------------------------------------- */

/* A flood of requests at any moment, all at once: within the slack above the
 * send limit, or the peer would be disconnected. */
proctype Caller(byte me)
{
    byte n;

    d_step {
        do
        :: n < N_REQ -> outq[me]!REQUEST; n++
        :: n == N_REQ -> break
        od;
        queued[me] = queued[me] + N_REQ * SIZE;
#ifndef BEYOND
        assert(N_REQ * SIZE <= SEND_LIMIT + SLACK)
#endif
    }
}

init
{
    atomic {
        run Caller(0);
        run Caller(1);
        run Out(0);
        run Out(1);
        run In(0);
        run In(1)
    }
}
