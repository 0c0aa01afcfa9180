package collector

import (
	"github.com/skewatch/skewatch/collector/frame"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/parse"
	"github.com/skewatch/skewatch/collector/parse/custom"
)

// A reading is how the octets that come in on a socket are cut into messages and read. The
// zero value is ours: both framings of RFC 6587, and package parse.
type reading struct {
	format *custom.Format
}

// read reads one message.
func (r reading) read(raw []byte, m *message.Message) {
	if r.format == nil {
		parse.Parse(raw, m)
		return
	}
	r.format.Parse(raw, m)
}

// splitter returns what cuts a new stream.
func (r reading) splitter(limit int) splitter {
	if r.format != nil {
		if split := r.format.SplitFunc(); split != nil {
			return frame.NewFuncSplitter(split, limit)
		}
	}
	return frame.NewSplitter(limit)
}

// unread returns how many messages a custom format could make nothing of.
func (r reading) unread() uint64 {
	if r.format == nil {
		return 0
	}
	return r.format.Stats.Panicked.Load() + r.format.Stats.Refused.Load()
}
