package ntpcheck

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestReadKernel(t *testing.T) {
	k := readKernel()
	if !k.Known {
		t.Skip("adjtimex is not allowed here")
	}
	// The kernel calls itself unsynchronised once its error reaches 16 s.
	if k.MaxError < 0 || k.Synchronised && k.MaxError > 16*time.Second {
		t.Errorf("%+v, want a largest error of 0 to 16 s if synchronised", k)
	}
}

func TestLeapOf(t *testing.T) {
	for status, want := range map[int32]Leap{0: LeapNone, unix.STA_INS: LeapInsert, unix.STA_DEL: LeapDelete} {
		if have := leapOf(status | unix.STA_UNSYNC); have != want {
			t.Errorf("leapOf(%#x) = %s, want %s", status, have, want)
		}
	}
}
