package ntpcheck

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/sirupsen/logrus"
)

// The defaults of a [Config].
const (
	DefaultPoll     = 16 * time.Second
	DefaultHoldover = time.Hour
)

const minPoll = 100 * time.Millisecond

// Config says whom a [Monitor] asks and what it makes of the answers.
type Config struct {
	// Servers are the NTP servers, each as [ParseServer] reads it. There may be
	// none: the kernel is then all there is to ask.
	Servers []string

	// KeyFile holds the symmetric keys that Servers name, in the format of
	// chrony.keys; "" for none.
	KeyFile string

	// NTSCA is a file of certificates (PEM) that sign those of NTS servers, beside
	// the system's; "" for none.
	NTSCA string

	// Poll is the shortest time between two queries to one server; 0 means
	// DefaultPoll. The first four answers are fetched faster, and a server that
	// keeps agreeing is asked less and less, down to once in 1024 s.
	Poll time.Duration

	// Holdover is how long the last measurement is still used when no majority
	// renews it; 0 means DefaultHoldover.
	Holdover time.Duration

	// Kernel says what the kernel's own opinion of its clock is worth.
	Kernel KernelMode

	// Now reads the clock to be measured. Leave it nil for the system's clock:
	// then the kernel stamps the arrival of the replies where it can, as it stamps
	// messages. With a clock of one's own both ends of an exchange are read from it.
	Now func() time.Time

	// Log hears of every change of the reference and of a source. It may be nil.
	Log logrus.FieldLogger

	// Resolve finds the addresses of a name; nil means the system's resolver.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)

	// ReadKernel asks the kernel about its clock; nil means adjtimex where there
	// is one.
	ReadKernel func() Kernel

	// Chronyd is where a chronyd of this machine is asked what it says of our clock, for
	// comparison: the first that answers. See DefaultChronyd; nil asks none.
	Chronyd []string
}

// KernelMode says what the kernel's own opinion of its clock is worth.
type KernelMode uint8

const (
	// KernelAuto believes a kernel that calls itself synchronised while no NTP
	// source answers.
	KernelAuto KernelMode = iota

	// KernelOff never believes the kernel.
	KernelOff

	// KernelTrust takes the local clock as true, on the operator's word, whenever
	// no majority of NTP sources has measured it: a measurement beats a word.
	KernelTrust
)

var kernelModes = [...]string{"auto", "off", "trust"}

// String returns the mode as it is written on the command line.
func (k KernelMode) String() string { return name(kernelModes[:], uint8(k)) }

// ParseKernelMode reads "auto", "off" or "trust".
func ParseKernelMode(s string) (KernelMode, error) {
	for i, n := range kernelModes {
		if s == n {
			return KernelMode(i), nil
		}
	}
	return 0, &ConfigError{Field: "kernel-clock", Problem: "unknown mode", Value: s, Hint: "write auto, off or trust"}
}

// A ConfigError names the field of a [Config] that can't be used.
type ConfigError struct {
	Field   string // as on the command line: "ntp-server[1]", "ntp-poll"
	Problem string
	Value   string // what was given
	Hint    string // what to write instead
}

// Error returns field, problem and value in one line; the remedy goes beside it.
func (e *ConfigError) Error() string {
	return fmt.Sprintf("%s: %s (got %q)", e.Field, e.Problem, e.Value)
}

// Remedy says what to do about it.
func (e *ConfigError) Remedy() string { return e.Hint }

func (c *Config) fillDefaults() {
	if c.Poll == 0 {
		c.Poll = DefaultPoll
	}
	if c.Holdover == 0 {
		c.Holdover = DefaultHoldover
	}
	if c.Resolve == nil {
		c.Resolve = resolve
	}
	if c.ReadKernel == nil {
		c.ReadKernel = readKernel
	}
}

func (c *Config) check() error {
	if c.Poll < minPoll {
		return &ConfigError{"ntp-poll", fmt.Sprintf("shorter than %v", minPoll), c.Poll.String(), "write 16s"}
	}
	if c.Holdover < 0 {
		return &ConfigError{"ntp-holdover", "not a positive duration", c.Holdover.String(), "write 1h"}
	}
	return nil
}

func name(names []string, i uint8) string {
	if int(i) < len(names) {
		return names[i]
	}
	return "unknown"
}
