package ntpcheck

import (
	"context"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
)

// announce logs every change until the context ends.
func (m *Monitor) announce(ctx context.Context) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	var seen announced
	var noticed uint64
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			seen.update(m.log, m.Status())
			noticed = announceNotices(m.log, m.Notices(noticed), noticed)
		}
	}
}

// announced is what the log has been told.
type announced struct {
	reference *standing
	sources   map[string]SourceState

	contradicted int // how many claims of the kernel and chronyd were false when last looked
}

// A standing is what of a reference is worth a line in the log when it changes.
type standing struct {
	state      State
	fromKernel bool
}

func (a *announced) update(log logrus.FieldLogger, s Status) {
	if a.sources == nil {
		a.sources = make(map[string]SourceState)
	}
	for _, src := range s.Sources {
		was, known := a.sources[src.Address]
		if is := src.State.kind(); !known || is != was {
			a.sources[src.Address] = is
			announceSource(log, src)
		}
	}
	if n := len(s.Contradictions); n != a.contradicted {
		if n > a.contradicted {
			log.Warn(strings.Join(s.Contradictions, "; "))
		}
		a.contradicted = n
	}
	is := standing{s.Reference.State, s.Reference.Source == KernelSource}
	if a.reference == nil || is != *a.reference {
		a.reference = &is
		announceReference(log, s.Reference)
	}
}

func announceSource(log logrus.FieldLogger, s SourceStatus) {
	log = log.WithFields(logrus.Fields{"ntp_server": s.Address, "state": s.State})
	if s.State.kind() == Candidate {
		log.Info("NTP source answers")
		return
	}
	log.WithField("reason", s.Reason).Warn("NTP source can't be used")
}

func announceReference(log logrus.FieldLogger, r ReferenceStatus) {
	fields := logrus.Fields{"state": r.State, "source": r.Source}
	if r.Reason != "" {
		fields["reason"] = r.Reason
	}
	if r.OffsetSeconds != nil && r.BoundSeconds != nil {
		fields["offset_seconds"], fields["bound_seconds"] = *r.OffsetSeconds, *r.BoundSeconds
	}
	log = log.WithFields(fields)
	if r.State == Synchronised {
		log.Info("our clock is synchronised")
		return
	}
	log.Warn("our clock is not synchronised")
}

// announceNotices logs notices and returns the last one's ID. What comes with a
// change of a source's state is announced as that.
func announceNotices(log logrus.FieldLogger, notices []Notice, last uint64) uint64 {
	for _, n := range notices {
		last = n.ID
		if n.Kind == NoticeFalseticker || n.Kind == NoticeAuthentication {
			continue
		}
		fields := logrus.Fields{"notice": n.Kind, "value": n.Value, "previous": n.Previous}
		if n.Source != "" {
			fields["ntp_server"] = n.Source
		}
		log.WithFields(fields).Warn(n.Text)
	}
	return last
}

// recommendedSources is how many sources it takes that one may lie while another is
// away.
const recommendedSources = 4

// advise warns of what is valid, but weak.
func (m *Monitor) advise() {
	places := 0
	for _, e := range m.entries {
		places += e.Places()
	}
	if places > 0 && places < recommendedSources {
		m.log.WithField("sources", places).Warn("fewer than four NTP sources: if one is wrong and another away, nobody can tell")
	}
	if m.cfg.KeyFile != "" && ReadableByAll(m.cfg.KeyFile) {
		m.log.WithField("file", m.cfg.KeyFile).Warn("everybody on this machine can read the NTP keys: chmod o-r")
	}
}
