package collector

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// compareEvery is how often the kernel's clock and the user clock are compared.
	compareEvery = time.Second

	// leadLeast is from which difference on they are two clocks.
	leadLeast = time.Millisecond
)

// clocks are the two that can stamp messages, and which of them does. In a container, or
// under a tool that shifts a process's clock, they can come to differ.
type clocks struct {
	kernel atomic.Bool // stamps; it never comes back once it was found to differ

	comparing sync.Mutex
	lead      time.Duration // of the kernel's clock, when that was found
}

// watchClocks compares both clocks each second until ctx ends, or they differ.
func (c *Collector) watchClocks(ctx context.Context) {
	t := time.NewTicker(compareEvery)
	defer t.Stop()
	for c.clocks.kernel.Load() {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			c.CompareClocks()
		}
	}
}

// CompareClocks returns by how much the kernel's clock is ahead of the user clock, 0 while
// they agree or only the user clock stamps. The first time that they differ, user stamps
// take over: a message that bears both couldn't be placed. It takes some 0.1 ms.
func (c *Collector) CompareClocks() time.Duration {
	c.clocks.comparing.Lock()
	defer c.clocks.comparing.Unlock()
	if !c.clocks.kernel.Load() {
		return c.clocks.lead
	}
	lead, err := kernelLead(c.cfg.Now)
	if err != nil {
		c.cfg.Log.WithError(err).Debug("compare the kernel's clock with the user clock")
		return 0
	}
	if lead.Abs() < leadLeast {
		return 0
	}
	c.clocks.lead = lead
	c.clocks.kernel.Store(false)
	c.cfg.Log.WithField("kernel_ahead_seconds", lead.Seconds()).
		Warn("the kernel's clock and the clock of this process differ: from now on messages are stamped when they are read")
	return lead
}
