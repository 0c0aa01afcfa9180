package ntpcheck

import (
	"time"

	"golang.org/x/sys/unix"
)

// readKernel asks by adjtimex(2), which needs no privilege to read.
func readKernel() Kernel {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	if err != nil {
		return Kernel{}
	}
	return Kernel{
		Known:        true,
		Synchronised: state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0,
		MaxError:     time.Duration(t.Maxerror) * time.Microsecond,
		EstError:     time.Duration(t.Esterror) * time.Microsecond,
		Leap:         leapOf(t.Status),
	}
}

func leapOf(status int32) Leap {
	switch {
	case status&unix.STA_INS != 0:
		return LeapInsert
	case status&unix.STA_DEL != 0:
		return LeapDelete
	}
	return LeapNone
}
