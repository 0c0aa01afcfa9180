package ntpcheck_test

import (
	"context"
	"testing"
	"time"

	"github.com/skewatch/skewatch/ntpcheck"
	"github.com/skewatch/skewatch/ntpcheck/chronydtest"
)

// Three real servers, one of them 100 s off; then all of them stop, and return.
func TestRealServers(t *testing.T) {
	servers := []*chronydtest.Server{
		chronydtest.Start(t, chronydtest.Options{}),
		chronydtest.Start(t, chronydtest.Options{FakeTime: "+100s"}),
		chronydtest.Start(t, chronydtest.Options{}),
	}
	const holdover = 10 * time.Second
	m := start(t, ntpcheck.Config{
		Servers:  []string{servers[0].Addr(), servers[1].Addr(), servers[2].Addr()},
		Poll:     time.Second,
		Holdover: holdover,
		Kernel:   ntpcheck.KernelOff,
	})

	// All of them read this machine's clock, so the truth is an offset of 0.
	await(t, m, 2*time.Second, ntpcheck.Synchronised)
	for began := time.Now(); time.Since(began) < 3*time.Second; time.Sleep(20 * time.Millisecond) {
		checkTruth(t, m.Reference())
	}
	checkSources(t, m.Status())
	if t.Failed() {
		return
	}

	stopped := time.Now()
	for _, s := range servers {
		s.Stop()
	}
	r := await(t, m, 7*time.Second, ntpcheck.Holdover)
	if r.Bound <= 0 || r.Reason == "" || r.Offset.Abs() > time.Millisecond {
		t.Errorf("in holdover: %+v, want the last offset, its bound and a reason", r)
	}
	t.Logf("holdover %v after the stop: %v ± %v", time.Since(stopped).Round(time.Millisecond), r.Offset, r.Bound)
	r = await(t, m, holdover, ntpcheck.Unsynchronised)
	t.Logf("unsynchronised %v after the stop", time.Since(stopped).Round(time.Millisecond))
	if r.Age < holdover || r.Age > holdover+2*time.Second {
		t.Errorf("unsynchronised at age %v, want %v", r.Age, holdover)
	}

	for _, s := range servers {
		chronydtest.Start(t, chronydtest.Options{Port: s.Port()})
	}
	await(t, m, 5*time.Second, ntpcheck.Synchronised)
	checkTruth(t, m.Reference())
}

func checkTruth(t *testing.T, r ntpcheck.Reference) {
	t.Helper()
	if r.State != ntpcheck.Synchronised || r.Offset.Abs() > time.Millisecond || r.Offset.Abs() > r.Bound {
		t.Errorf("%v %v ± %v (%s), want synchronised within 1ms and its own bound of 0", r.State, r.Offset, r.Bound, r.Reason)
	}
	if r.Stratum != 4 {
		t.Errorf("stratum %d, want one more than the servers' 3", r.Stratum)
	}
}

func checkSources(t *testing.T, s ntpcheck.Status) {
	t.Helper()
	if s.Sources[1].State != ntpcheck.Falseticker || s.Sources[1].OffsetSeconds == nil || *s.Sources[1].OffsetSeconds < 99 {
		t.Errorf("the liar is %+v, want a falseticker about 100 s ahead", s.Sources[1])
	}
	selected := 0
	for _, i := range []int{0, 2} {
		switch s.Sources[i].State {
		case ntpcheck.Selected:
			selected++
		case ntpcheck.Combined:
		default:
			t.Errorf("an honest source is %+v, want selected or combined", s.Sources[i])
		}
		if s.Sources[i].Reach == "0" || s.Sources[i].JitterSeconds == nil || s.Sources[i].RootDistanceSeconds == nil {
			t.Errorf("an honest source lacks figures: %+v", s.Sources[i])
		}
	}
	if selected != 1 {
		t.Errorf("%d system peers, want 1", selected)
	}
}

// Our own clock is 37.5 s behind: real servers must say to add that much.
func TestOurClockIsBehind(t *testing.T) {
	server := chronydtest.Start(t, chronydtest.Options{})
	m := start(t, ntpcheck.Config{
		Servers: []string{server.Addr()},
		Kernel:  ntpcheck.KernelOff,
		Now:     func() time.Time { return time.Now().Add(-37500 * time.Millisecond) },
	})
	r := await(t, m, 2*time.Second, ntpcheck.Synchronised)
	if (r.Offset - 37500*time.Millisecond).Abs() > r.Bound {
		t.Errorf("offset %v ± %v, want +37.5s", r.Offset, r.Bound)
	}
}

// Five real servers, one of them 100 s off and one 2.5 s: both are named, and the
// others keep the truth.
func TestTwoLiarsAmongFive(t *testing.T) {
	shifts := []string{"", "+100s", "", "-2.5s", ""}
	var servers []string
	for _, shift := range shifts {
		servers = append(servers, chronydtest.Start(t, chronydtest.Options{FakeTime: shift}).Addr())
	}
	m := start(t, ntpcheck.Config{Servers: servers, Poll: time.Second, Kernel: ntpcheck.KernelOff})
	await(t, m, 10*time.Second, ntpcheck.Synchronised)
	worst := time.Duration(0)
	for began := time.Now(); time.Since(began) < 5*time.Second; time.Sleep(20 * time.Millisecond) {
		checkTruth(t, m.Reference())
		worst = max(worst, m.Reference().Offset.Abs())
	}
	t.Logf("within %v of the truth", worst)
	for i, s := range m.Status().Sources {
		if liar := shifts[i] != ""; (s.State == ntpcheck.Falseticker) != liar {
			t.Errorf("the server shifted by %q is %v (%s)", shifts[i], s.State, s.Reason)
		}
	}
	noticed := map[string]bool{}
	for _, n := range m.Notices(0) {
		if n.Kind == ntpcheck.NoticeFalseticker {
			noticed[n.Source] = true
		}
	}
	if len(noticed) != 2 || !noticed[servers[1]] || !noticed[servers[3]] {
		t.Errorf("noticed as falsetickers: %v, want %s and %s", noticed, servers[1], servers[3])
	}
}

func start(t *testing.T, cfg ntpcheck.Config) *ntpcheck.Monitor {
	t.Helper()
	m, err := ntpcheck.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		m.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return m
}

func await(t *testing.T, m *ntpcheck.Monitor, within time.Duration, want ntpcheck.State) ntpcheck.Reference {
	t.Helper()
	for deadline := time.Now().Add(within); ; time.Sleep(5 * time.Millisecond) {
		r := m.Reference()
		if r.State == want {
			return r
		}
		if time.Now().After(deadline) {
			t.Fatalf("not %v within %v: %+v", want, within, m.Status())
		}
	}
}
