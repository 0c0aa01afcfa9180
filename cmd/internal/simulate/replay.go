package simulate

import (
	"context"
	"time"

	"github.com/skewatch/skewatch/analysis/simulation"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/parse"
)

// A Keeper takes messages in the order of their receipt.
type Keeper interface {
	Put(*message.Message) error
}

// Replay gives a keeper what a server would have received from hosts, parsed from what
// they put on the wire. Reached is told how far it has come, about each minute of that
// time. It returns how many messages there were, also when the context ends it.
func Replay(ctx context.Context, hosts []*Host, to Keeper, reached func(time.Duration)) (n uint64, err error) {
	models := make([]*simulation.Host, len(hosts))
	for i, h := range hosts {
		models[i] = &h.Host
	}
	numbers := make([]uint64, len(hosts))
	told := time.Duration(0)
	var m message.Message
	for i, sent := range simulation.SendingsOf(models...) {
		h := hosts[i]
		numbers[i]++
		parse.Parse(h.Raw(sent, numbers[i]), &m)
		m.Received = h.Start.Add(sent.Received).UnixNano()
		m.Source, m.StampedBy, m.Transport, m.Trust = h.Source, message.StampedByKernel, h.Host.Transport, h.Trust
		if err := to.Put(&m); err != nil {
			return n, err
		}
		n++
		if sent.Received-told >= time.Minute {
			told = sent.Received
			if reached(told); ctx.Err() != nil {
				return n, nil
			}
		}
	}
	return n, nil
}
