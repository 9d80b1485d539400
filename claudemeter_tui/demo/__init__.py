"""Simulate claude.ai behind the real client: no account, no network, and a day in fast motion.

Pat is signed in to six orgs. The demo begins at 01:15 with a simulated past of 400 days, which an archive in
memory holds. 25 seconds later Personal is blocked. After 24 simulated hours the day starts again, with the
same money and weekly windows. Times are hours and minutes since the start of the day:

    time   org                what happens
    -----  -----------------  ------------------------------------------------------------------------
    00:00  Personal           Max 20x: 5-hour at 67%, Fable's week at 84%, $17.20 of $50.00, $244.35 left
    00:00  Acme Team          5-hour at 93%, own $6.40 of $50.00, pool $261.18 of $1,000.00
    00:00  Lab                Max 5x: 5-hour at 41%; empty balance: the plan has room, credits are locked
    00:00  Side project       free: 5-hour full, no usage credits
    00:00  Globex Enterprise  no windows: $2,119.26 of $5,000.00, 61% of a one-time credit is used
    00:00  Flaky Labs         Pro: 5-hour at 34%, CAD 12.34 without a cap
    00:08  Acme Team          5-hour full: work continues on credits
    00:21  Side project       5-hour resets
    00:24  Flaky Labs         usage is a server error
    00:28  Flaky Labs         usage works again
    00:38  Personal           5-hour full: work continues on credits
    01:40  Personal           $50.00 of $50.00: credits locked until 06:30, all work is blocked
    02:01  Flaky Labs         usage is throttled, with a Retry-After
    02:04  Flaky Labs         usage works again
    02:10  Acme Team          5-hour resets
    02:30  Personal           5-hour resets: work continues, credits are still locked
    04:20  Side project       5-hour full
    05:30  Personal           5-hour full: all work is blocked
    05:33  Side project       5-hour resets
    06:30  Personal           credits reopen, the cap is now $80.00: work continues on credits
    07:11  Flaky Labs         usage is a gateway's web page
    07:16  Flaky Labs         usage works again
    07:20  Lab                5-hour full, the balance is empty: all work is blocked
    07:36  Personal           5-hour resets, $64.65 of $80.00
    08:05  Lab                5-hour resets
    08:30  Lab                $50.00 bought: credits reopen
    10:10  Personal           Fable's week is full
    10:55  Acme Team          5-hour full: work continues on credits
    11:50  Flaky Labs         5-hour full: work continues on credits
    12:30  Acme Team          5-hour resets
    12:40  Lab                5-hour full: work continues on credits
    13:32  Flaky Labs         usage is a server error
    13:39  Flaky Labs         usage works again
    13:40  Lab                5-hour resets
    14:40  Flaky Labs         5-hour resets
    18:25  Flaky Labs         usage is throttled, with a Retry-After
    18:28  Flaky Labs         usage works again
    23:48  Side project       5-hour full

Charges in between come in uneven but fixed steps, so each moment always has exactly the same replies.
"""

DEMO_SPEED = 60.0
"""Seconds of the demo's clock per real second; here, because the first frame needs it."""
