package main_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/testbed"
)

// scoreAnswer is the shape of `skewatch simulate --score --format json`.
type scoreAnswer struct {
	Summary struct {
		Hosts     int      `json:"hosts"`
		Right     int      `json:"verdicts_right"`
		Intervals int      `json:"intervals"`
		Held      int      `json:"intervals_held"`
		Median    *float64 `json:"error_p50_seconds"`
		Worst     *float64 `json:"error_max_seconds"`
	} `json:"summary"`
	Hosts []struct {
		Host    string   `json:"host"`
		Verdict string   `json:"verdict"`
		Right   bool     `json:"verdict_right"`
		Error   *float64 `json:"error_seconds"`
		Held    *bool    `json:"interval_held"`
		Note    string   `json:"note"`
	} `json:"hosts"`
}

func (s *scoreAnswer) verdictOf(host string) string {
	for _, h := range s.Hosts {
		if h.Host == host {
			return h.Verdict
		}
	}
	return ""
}

// The verdicts on the built-in hosts that can be known after a minute.
var builtInVerdicts = map[string]string{
	"web1": "in-sync", "db1": "in-sync", "cam7": "ahead", "app2": "late", "mail1": "wrong-zone", "sw1": "wrong-zone",
	"nas2": "dead-rtc", "gw3": "ahead", "ups3": "stuck", "iot9": "no-clock",
}

// TestEndToEndSimulate has the built-in fleet send to a real server, over UDP, TCP and
// RELP, and holds the report against the truth.
func TestEndToEndSimulate(t *testing.T) {
	t.Parallel() // it waits more than it works
	s := startServer(t, t.TempDir(), "--listen-relp", "127.0.0.1:0")
	truth := filepath.Join(t.TempDir(), "truth.ndjson")
	length := lasting(300*time.Second, 70*time.Second)
	stdout, stderr, code := s.Run("simulate", "--for", length.String(), "--truth", truth, "--score", "--format", "json")
	t.Logf("%s%s", stderr, stdout)
	if code != 0 {
		t.Errorf("skewatch simulate exited with %d, want 0", code)
	}
	var score scoreAnswer
	decode(t, stdout, &score)
	if n := score.Summary; n.Hosts != 12 || n.Right != 12 || n.Held != n.Intervals || n.Intervals < 9 || *n.Worst > 0.1 {
		t.Errorf("the score is %+v, want 12 verdicts of 12, all of 9 intervals or more, and offsets within 0.1 s", n)
	}
	for host, want := range builtInVerdicts {
		if have := score.verdictOf(host); have != want {
			t.Errorf("%s is judged %q, want %q", host, have, want)
		}
	}
	if length > 4*time.Minute && score.verdictOf("vm4") != "late" {
		t.Errorf("vm4 is judged %q, want late", score.verdictOf("vm4"))
	}
	checkScoring(t, s, truth)
}

// checkScoring scores what is on file: it passes as it is, and not when the truth is
// another.
func checkScoring(t *testing.T, s *testbed.Skewatch, truth string) {
	t.Helper()
	table := run(t, s, "simulate", "--score", "--truth", truth)
	if !strings.Contains(table, "12 of 12 verdicts are right") {
		t.Errorf("scored again:\n%s", table)
	}
	for line := range strings.Lines(table) {
		if n := len([]rune(strings.TrimRight(line, "\n"))); n > 100 {
			t.Errorf("a line of %d columns: %q", n, line)
		}
	}
	text, err := os.ReadFile(truth)
	if err != nil {
		t.Fatal(err)
	}
	for _, lie := range [][2]string{{`"seconds":37.5}`, `"seconds":37.7}`}, {`"format":"no-stamp"`, `"format":"bsd"`}} {
		changed := strings.ReplaceAll(string(text), lie[0], lie[1])
		if lie[1] == `"format":"bsd"` { // and a clock that is right
			changed = strings.Replace(changed, `"offsets":[]`, `"offsets":[{"at":"2026-01-01T00:00:00Z","seconds":0}]`, 1)
		}
		file := filepath.Join(t.TempDir(), "lie.ndjson")
		if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
			t.Fatal(err)
		}
		if stdout, stderr, code := s.Run("simulate", "--score", "--truth", file); code != 1 {
			t.Errorf("with %s instead of %s it exits with %d, want 1: %s%s", lie[1], lie[0], code, stdout, stderr)
		}
	}
}

// TestEndToEndSimulateInterrupted ends a simulation by SIGINT: it writes the truth so far.
func TestEndToEndSimulateInterrupted(t *testing.T) {
	t.Parallel()
	s := trusting(t, t.TempDir())
	truth := filepath.Join(t.TempDir(), "truth.ndjson")
	cmd := exec.Command(testbed.Binary(t), "simulate", "--target", "udp://"+s.UDP, "--target", "tcp://"+s.TCP, "--hosts", "3", "--truth", truth)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, 20*time.Second, func() error {
		if hosts := askReport(t, s).Hosts; len(hosts) < 3 {
			return &missing{len(hosts)}
		}
		return nil
	})
	_ = cmd.Process.Signal(os.Interrupt)
	if err := cmd.Wait(); err != nil {
		t.Errorf("interrupted, it ends with %v: %s", err, &stderr)
	}
	text, err := os.ReadFile(truth)
	if err != nil || strings.Count(string(text), "\n") != 3 {
		t.Errorf("the truth is %q, %v, want 3 lines", text, err)
	}
	run(t, s, "simulate", "--score", "--truth", truth)
}

// missing says how many hosts there are so far.
type missing struct{ hosts int }

func (m *missing) Error() string { return "too few hosts so far" }

// TestEndToEndReplay fills a directory with a day's messages, and reads it.
func TestEndToEndReplay(t *testing.T) {
	t.Parallel()
	binary, directory := testbed.Binary(t), filepath.Join(t.TempDir(), "day")
	skewatch := func(want int, args ...string) (stdout, stderr string) {
		t.Helper()
		var out, errs strings.Builder
		cmd := exec.Command(binary, args...)
		cmd.Stdout, cmd.Stderr = &out, &errs
		_ = cmd.Run() // the exit code tells
		if code := cmd.ProcessState.ExitCode(); code != want {
			t.Errorf("skewatch %s exits with %d, want %d: %s%s", strings.Join(args, " "), code, want, &out, &errs)
		}
		return out.String(), errs.String()
	}
	began := time.Now()
	stdout, stderr := skewatch(0, "simulate", "--replay", directory, "--truth", filepath.Join(t.TempDir(), "truth"), "--score", "--format", "json")
	t.Logf("%sthe whole in %v", stderr, time.Since(began))
	if took := time.Since(began); took > time.Minute {
		t.Errorf("a day of 12 hosts took %v, want less than a minute", took)
	}
	var score scoreAnswer
	decode(t, stdout, &score)
	if n := score.Summary; n.Right != 12 || n.Held != n.Intervals || n.Intervals != 10 || *n.Worst > 0.01 {
		t.Errorf("the score is %+v, want all of 12 verdicts and 10 intervals, and offsets within 10 ms", n)
	}
	for host, want := range map[string]string{"lab5": "drifting", "vm4": "late"} {
		if have := score.verdictOf(host); have != want {
			t.Errorf("%s is judged %q, want %q", host, have, want)
		}
	}
	for format, mark := range map[string]string{"table": "SIMULATED: ", "md": "**Simulated**", "html": "<dt>Simulated</dt>", "json": `"simulated": true`} {
		if report, _ := skewatch(0, "report", "--data", directory, "--since", "24h", "--format", format); !strings.Contains(report, mark) {
			t.Errorf("the report as %s doesn't say %q:\n%.500s", format, mark, report)
		}
	}
	if events, _ := skewatch(0, "tail", "--data", directory, "--since", "25h", "--until", "0s"); !strings.Contains(events, "cam7 (127.1.0.3)") {
		t.Errorf("tail shows no warning of cam7:\n%s", events)
	}
	if _, stderr := skewatch(2, "simulate", "--replay", directory); !strings.Contains(stderr, "holds something already") {
		t.Errorf("a second replay says %s", stderr)
	}
	free := []string{"--listen-udp", "127.0.0.1:0", "--listen-tcp", "127.0.0.1:0", "--http", "127.0.0.1:0"}
	if _, stderr := skewatch(1, slices.Concat([]string{"serve", "--data", directory}, free)...); !strings.Contains(stderr, "holds a simulation") {
		t.Errorf("a server on the replay says %s", stderr)
	}
}

// TestEndToEndDemo watches for the first warning, and for what a demonstration leaves
// behind, ended by itself or by SIGINT.
func TestEndToEndDemo(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
	}{{"interrupted", nil}, {"by itself", []string{"--for", "14s"}}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			binary, temporary := testbed.Binary(t), t.TempDir()
			cmd := exec.Command(binary, append([]string{"demo"}, tt.args...)...)
			cmd.Env = append(os.Environ(), "TMPDIR="+temporary)
			var stderr strings.Builder
			cmd.Stderr = &stderr
			output, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = cmd.Process.Kill() }() // it has ended
			limit := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Signal(syscall.SIGKILL) })
			defer limit.Stop()
			var text strings.Builder
			warned := false
			for lines := bufio.NewScanner(output); lines.Scan(); {
				text.WriteString(lines.Text() + "\n")
				if strings.Contains(lines.Text(), " raise crit ") && !warned {
					warned = true
					t.Logf("the first warning came after %v", time.Since(began))
					if took := time.Since(began); took > 15*time.Second {
						t.Errorf("the first warning came after %v, want 15 s at most", took)
					}
					if left, err := os.ReadDir(temporary); err != nil || len(left) != 1 {
						t.Errorf("while it runs there are %v, %v in the temporary directory, want one", left, err)
					}
					if tt.args == nil {
						_ = cmd.Process.Signal(os.Interrupt)
					}
				}
			}
			if err := cmd.Wait(); err != nil || !warned {
				t.Errorf("it ended with %v, and warned: %v; it wrote\n%s%s", err, warned, &text, &stderr)
			}
			if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
				t.Errorf("it left %v, %v behind", left, err)
			}
			for _, part := range []string{"dashboard  http://127.0.0.1:", "proves nothing about that clock", "cam7       udp     ahead by 37.5 s", "verdicts are right"} {
				if !strings.Contains(text.String(), part) {
					t.Errorf("it doesn't say %q:\n%s", part, &text)
				}
			}
		})
	}
}

// TestEndToEndSimulateExample replays the fleet that users copy.
func TestEndToEndSimulateExample(t *testing.T) {
	t.Parallel()
	directory := filepath.Join(t.TempDir(), "day")
	out, err := exec.Command(testbed.Binary(t), "simulate", "--fleet", "../../examples/simulate/fleet.yaml", "--replay", directory, "--score").Output()
	if err != nil || !strings.Contains(string(out), "7 of 7 verdicts are right, 6 of 6 intervals hold the truth") {
		t.Errorf("%v:\n%s", err, out)
	}
}
