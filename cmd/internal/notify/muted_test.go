package notify

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/cmd/internal/testbed"
)

// muted returns an event of which nobody is to be told.
func muted(host, kind, severity string) api.Event {
	e := warning(host, kind, severity)
	e.Muted = "silence 1"
	return e
}

// TestMuted wants what is muted to be passed over, wherever it is read from: memory, the
// store when too many wait, or the store after a restart.
func TestMuted(t *testing.T) {
	t.Parallel()
	m, r := newMemory(), receive(t)
	o := quick
	o.most = 2
	r.repeat("500")
	n := start(t, m, o, r.hook("ops"))
	for range 3 {
		n.tell(warning("web1", raised, "warn"), muted("web1", "change", "crit"), muted("web2", raised, "crit"), muted("web2", cleared, "crit"),
			warning("web1", cleared, "crit"))
	}
	eventually(t, func() error {
		if s := n.Status()[0]; s.Failed == 0 || s.Waiting > 6 {
			return fmt.Errorf("the status is %+v, want at most 6 waiting", s)
		}
		return nil
	})
	n.stop()
	n = start(t, m, o, r.hook("ops"))
	r.repeat("")
	var ids []uint64
	for _, g := range r.await(t, 6) {
		ids = append(ids, g.event.ID)
	}
	if want := []uint64{1, 5, 6, 10, 11, 15}; !slices.Equal(ids, want) {
		t.Errorf("told are %v, want %v", ids, want)
	}
	eventually(t, func() error {
		if s := n.Status()[0]; s.Waiting != 0 || !s.Oldest.IsZero() {
			return fmt.Errorf("the status is %+v, want none waiting", s)
		}
		return nil
	})
	n.stop()
	if got, _ := r.taken(); len(got) != 6 {
		t.Errorf("%d events were taken, want 6", len(got))
	}
	for key := range m.outbox {
		if key != "ops" {
			t.Errorf("the store has %q of a warning that is over", key)
		}
	}
}

// TestEndOfWhatWasNeverTold wants an output that tells what is critical to be told no end of
// what became critical while it was muted.
func TestEndOfWhatWasNeverTold(t *testing.T) {
	t.Parallel()
	m, r := newMemory(), receive(t)
	hook := r.hook("ops")
	hook.MinSeverity = config.NotifyCrit
	n := start(t, m, quick, hook)
	n.tell(warning("web1", raised, "warn"), muted("web1", "change", "crit"), warning("web1", cleared, "crit"), warning("web2", raised, "crit"))
	if got := r.await(t, 1); got[0].event.ID != 4 {
		t.Errorf("told is %d, want 4", got[0].event.ID)
	}
}

// TestMutedInAlertmanager wants a warning that was told before to go on there while it is
// muted, and to be resolved by its end alone: an alert that isn't repeated would be taken for
// one that is over.
func TestMutedInAlertmanager(t *testing.T) {
	t.Parallel()
	p := startPager(t)
	am := testbed.StartAlertmanager(t, p.URL, time.Second)
	o := quick
	n := start(t, newMemory(), o, config.Notify{Name: "pager", Type: config.NotifyAlertmanager, URL: am.URL})
	n.tell(warning("web1", raised, "warn"))
	eventually(t, func() error {
		if told := p.all(); told != "ClockWrong web1 firing" {
			return fmt.Errorf("paged are %q", told)
		}
		return nil
	})
	seen := time.Now()
	n.tell(muted("web1", "change", "crit"), muted("web2", raised, "crit"))
	eventually(t, func() error {
		alerts := am.Alerts(t)
		if len(alerts) != 1 || !alerts[0].UpdatedAt.After(seen) || alerts[0].Annotations["severity"] != "warn" {
			return fmt.Errorf("active are %+v, want one that is repeated as it was told", alerts)
		}
		return nil
	})
	n.tell(warning("web1", cleared, "crit"))
	eventually(t, func() error {
		if told := p.all(); told != "ClockWrong web1 firing, ClockWrong web1 resolved" {
			return fmt.Errorf("paged are %q", told)
		}
		return nil
	})
	if strings.Contains(p.all(), "web2") {
		t.Errorf("paged are %q, want nothing of the muted host", p.all())
	}
}
