package analysis

import (
	"fmt"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

// advices hold, for each verdict that something can be done about, what to check: one
// sentence for whoever has to do it, that says where to look on the host, or how to tell
// apart what one-way stamps can't. It names no cause that isn't known.
var advices = map[Verdict]func(o *originator) string{
	NoClock:    (*originator).checkNoClock,
	Mixed:      (*originator).checkMixed,
	Stuck:      (*originator).checkStuck,
	DeadRTC:    (*originator).checkDeadRTC,
	WrongDate:  (*originator).checkDate,
	WrongZone:  (*originator).checkZone,
	Stepped:    (*originator).checkStep,
	Backlogged: (*originator).checkBacklog,
	Ahead:      (*originator).checkAhead,
	Late:       (*originator).checkLate,
	Drifting:   (*originator).checkDrift,
	Silent:     (*originator).checkSilence,
}

// check says what to check about the present verdict; "" where there is nothing.
func (o *originator) check() string {
	if advice := advices[o.judged.verdict]; advice != nil {
		return advice(o)
	}
	return ""
}

// tracking is what tells on a host whether it is synchronised: network devices have another
// command, and write stamps of their own.
func (o *originator) tracking() string {
	if o.open.StampFormat == message.StampBSDYear {
		return "`show ntp status`"
	}
	return "`chronyc tracking` (or `ntpq -p`, `timedatectl`)"
}

// checkSync asks whether the host is synchronised, and takes up what it says of that.
func (o *originator) checkSync() string {
	switch o.claim.IsSynced {
	case message.ClaimedFalse:
		return "it says itself that it isn't synchronised (isSynced=0): does its time daemon run and reach a server? " + o.tracking() + " there tells"
	case message.ClaimedTrue:
		return "it says that it is synchronised (isSynced=1): with a wrong server? " + o.tracking() + " there tells"
	}
	return "run " + o.tracking() + " there: is it synchronised, and with whom?"
}

func (o *originator) checkAhead() string {
	if relayed, _ := o.relayed(); relayed {
		return fmt.Sprintf("if others behind %s are off alike, check that relay first; else: %s", o.peer, o.checkSync())
	}
	return o.checkSync()
}

func (o *originator) checkLate() string {
	if o.paused() {
		return "was the machine paused or moved? Its clock stood still meanwhile: see that its time daemon steps it then (chrony: `makestep 1 -1`)"
	}
	queues := "its forwarder's queue"
	if relayed, _ := o.relayed(); relayed {
		queues += fmt.Sprintf(" and that of %s", o.peer)
	}
	if o.claim.IsSynced == message.ClaimedFalse {
		return o.checkSync() + "; if `date -u` there is right nevertheless, its messages wait: look at " + queues
	}
	return "compare `date -u` there with the true time: if it is behind, " + o.tracking() + " says why; if it is right, its messages wait: look at " + queues
}

// paused reports whether the host's last step looks like that of a machine that stood still.
func (o *originator) paused() bool { return o.lastStep != nil && o.lastStep.Kind == StepPause }

func (o *originator) checkDrift() string {
	words := "nothing seems to correct its clock: " + o.checkSync()
	if o.open.Skew < 0 {
		words += "; if `date -u` there stays right, its messages take longer and longer"
	}
	return words
}

func (o *originator) checkZone() string {
	shift := o.interval.Offset.Round(zoneStep)
	dst := shift.Abs() == time.Hour
	switch {
	case o.judged.local && dst && o.rule.Zone != time.UTC:
		return "its clock is right but for DST: check /etc/localtime and its tzdata there, or the zone that is configured for it here"
	case o.judged.local:
		return "have it write RFC 3339 stamps (rsyslog: RSYSLOG_ForwardFormat), or configure `zone` for it here under `hosts`; if it should be in " +
			o.rule.Zone.String() + ", check /etc/localtime there"
	}
	side := "east"
	if shift < 0 {
		side = "west"
	}
	asks := ""
	if dst {
		asks = " (is DST at fault?)"
	}
	return fmt.Sprintf("its clock is right but for a zone %s too far %s: check `timedatectl` and /etc/localtime there%s, and that its hardware clock holds UTC",
		spelled(shift.Abs()), side, asks)
}

// gpsRollover is after how long the number of the week begins anew that GPS sends.
const gpsRollover = 1024 * 7 * 24 * time.Hour

func (o *originator) checkDate() string {
	off := o.interval.Offset
	switch left := off - off.Round(gpsRollover); {
	case off.Abs() > gpsRollover/2 && left.Abs() < 48*time.Hour:
		return "it is off by a multiple of 1024 weeks, as a GPS receiver is whose week number has begun anew: check the receiver that it takes its time from"
	case o.open.StampFormat == message.StampBSD:
		return "run `date` there: was it set by hand, restored from an image, or given a date by its hypervisor? Its stamps name no year, so that may be wrong too"
	}
	return "run `date` there: was it set by hand, restored from an image, or given a date by its hypervisor? ntpd gives up on an offset beyond 1000 s"
}

func (o *originator) checkDeadRTC() string {
	return "check the battery of its real-time clock (`hwclock --show` after a power cycle), and that its time daemon sets the clock before others log (systemd: time-sync.target)"
}

func (o *originator) checkStuck() string {
	return "run `date` there twice: if the clock moves on, restart what writes the log; if it doesn't, restart the machine"
}

func (o *originator) checkStep() string {
	if o.paused() {
		return "was the machine paused or moved? Its clock stood still while it said nothing"
	}
	return "look in its log for who set the clock then: its time daemon, a person, or a program"
}

func (o *originator) checkBacklog() string {
	return "nothing, if a connection was down just now; if it goes on, look at its forwarder's queue, and at `date -u` there"
}

func (o *originator) checkMixed() string {
	words := fmt.Sprintf("find who else sends as %s from %s: machines or containers behind one address, or a program with stamps of its own; give each its own name", o.host, o.peer)
	if o.trust == message.TrustUDP {
		words += " (over UDP anybody can take it)"
	}
	return words
}

func (o *originator) checkSilence() string {
	of := o.quiet().of
	if o.standIn() {
		return fmt.Sprintf("see that %s forwards its log here, under the name that is configured", of)
	}
	return fmt.Sprintf("see whether %s is up, its forwarder runs (`systemctl status rsyslog`), and nothing between it and here drops its messages", of)
}

func (o *originator) checkNoClock() string {
	return "have it write RFC 3339 or RFC 5424 stamps: its messages show no clock"
}

// checkShared says where to look where several hosts behind a peer are off alike.
func (o *originator) checkShared() string {
	return fmt.Sprintf("check the clock of %s first, through which they all come: a relay that writes stamps anew, or the machine whose containers they are", o.peer)
}

// checkContradiction says what to check about a claim that the measurement contradicts.
func (o *originator) checkContradiction() string {
	if o.judged.verdict == Late {
		return o.checkLate()
	}
	return "see with `chronyc sources -v` (or `ntpq -p`) there which server it follows: that one is wrong, or another clock writes the stamps"
}

// What to check beside a verdict, and of many hosts at once.
const (
	checkImpostor  = "find out who that is; a client certificate (TLS) keeps others from speaking in a host's name"
	checkLocalTime = "have them write RFC 3339 stamps, or set the zone that they fit: --assume-zone, or `zone` under `hosts`"
	checkCollector = "run `skewatch sources`: is our own clock right? If it is, look at what the messages of most hosts pass on their way"
)
