package ntpcheck

import "time"

// Kernel is what the kernel says about the clock it keeps.
type Kernel struct {
	// Known is false on systems that can't be asked.
	Known bool

	// Synchronised says that a daemon disciplines the clock and has called it
	// synchronised.
	Synchronised bool

	MaxError time.Duration // largest error, as the daemon set it and the kernel grew it since
	EstError time.Duration // estimated error

	Leap Leap
}

// Leap is a leap second that the kernel has been told of: "none", "insert" or
// "delete".
type Leap string

// What a kernel may have been told of the end of the day.
const (
	LeapNone   Leap = "none"
	LeapInsert Leap = "insert"
	LeapDelete Leap = "delete"
)
