package house

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	module = "github.com/skewatch/skewatch"
	root   = "../../.." // the module's, from this folder

	// longest is how many lines a Go file may have. Before that it is a question
	// whether the file is one thing.
	longest = 600
)

// topLevel is all that stands at the top, besides dot-files and what git ignores.
var topLevel = []string{
	"cmd", "collector", "storage", "analysis", "ntpcheck", "examples",
	"go.mod", "go.sum", "README.md", "LICENSE", "Makefile", "CONTRIBUTING.md",
}

// nameless are package names that say nothing of what is inside.
var nameless = []string{"util", "utils", "common", "helper", "helpers", "misc", "shared", "lib"}

// A goPackage is what `go list -json` says of a package.
type goPackage struct {
	ImportPath string
	Name       string
	Imports    []string
}

// packages returns the packages of the module.
func packages(t *testing.T) (all []goPackage) {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Name,Imports", module+"/...")
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("reading go list: %v", err)
		}
		all = append(all, p)
	}
}

func TestImports(t *testing.T) {
	all := packages(t)
	if len(all) == 0 {
		t.Fatal("go list names no packages")
	}
	for _, p := range all {
		var own, foreign []string
		for _, imported := range p.Imports {
			if below, ok := strings.CutPrefix(imported, module+"/"); ok {
				own = append(own, below)
			} else {
				foreign = append(foreign, imported)
			}
		}
		for _, wrong := range violations(strings.TrimPrefix(p.ImportPath, module+"/"), own, foreign) {
			t.Error(wrong)
		}
		if slices.Contains(nameless, p.Name) {
			t.Errorf("package %s: its name doesn't say what it is for", p.ImportPath)
		}
	}
}

// TestRules proves that the rules can be broken.
func TestRules(t *testing.T) {
	tests := []struct {
		name    string
		pkg     string
		own     []string
		foreign []string
		wrong   int
	}{
		{"server wires all", "cmd/internal/server", []string{"collector", "storage", "analysis", "ntpcheck", "cmd/internal/web"}, nil, 0},
		{"collector uses its rooms", "collector", []string{"collector/frame", "collector/parse", "collector/message"}, []string{"golang.org/x/net/ipv4"}, 0},
		{"collector stores", "collector", []string{"storage"}, nil, 1},
		{"message uses the standard library", "collector/message", nil, []string{"net/netip", "time"}, 0},
		{"message imports a room", "collector/message", []string{"collector/frame"}, nil, 1},
		{"message imports a library", "collector/message", nil, []string{"github.com/sirupsen/logrus"}, 1},
		{"parse frames", "collector/parse", []string{"collector/message", "collector/frame"}, nil, 1},
		{"frame collects", "collector/frame", []string{"collector"}, nil, 1},
		{"frame stores", "collector/frame", []string{"storage"}, nil, 2},
		{"storage knows messages", "storage", []string{"collector/message"}, nil, 0},
		{"storage collects", "storage", []string{"collector"}, nil, 1},
		{"storage parses", "storage", []string{"collector/parse"}, nil, 1},
		{"storage has rooms", "storage/jetstream", []string{"storage", "collector/message"}, nil, 0},
		{"analysis has rooms", "analysis/report", []string{"analysis", "collector/message"}, nil, 0},
		{"analysis asks for the time", "analysis", []string{"ntpcheck"}, nil, 1},
		{"a room of analysis stores", "analysis/report", []string{"storage"}, nil, 1},
		{"ntpcheck analyses", "ntpcheck", []string{"analysis"}, nil, 1},
		{"ntpcheck knows messages", "ntpcheck", []string{"collector/message"}, nil, 1},
		{"similar name", "storage", []string{"collector/messages"}, nil, 1},
		{"adapters meet", "cmd/internal/web", []string{"cmd/internal/metrics", "cmd/internal/notify"}, nil, 2},
		{"reports are mailed by whoever wires", "cmd/internal/schedule", []string{"cmd/internal/notify"}, nil, 1},
		{"forward meets jetstream", "cmd/internal/forward", []string{"storage/jetstream"}, nil, 1},
		{"adapter of the domain", "cmd/internal/web", []string{"analysis/report", "storage"}, nil, 0},
		{"metrics imports Prometheus", "cmd/internal/metrics", nil, []string{"github.com/prometheus/client_golang/prometheus"}, 0},
		{"web imports Prometheus", "cmd/internal/web", nil, []string{"github.com/prometheus/client_golang/prometheus"}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := violations(tt.pkg, tt.own, tt.foreign); len(got) != tt.wrong {
				t.Errorf("violations are %q, want %d", got, tt.wrong)
			}
		})
	}
}

func TestTopLevel(t *testing.T) {
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	for _, name := range strangersAt(names, ignored(t)) {
		t.Errorf("%s stands at the top level, which holds only %v", name, topLevel)
	}
}

func TestStrangersAtTopLevel(t *testing.T) {
	names := []string{".git", "cmd", "README.md", "bin", "cpu.prof", "pkg", "main.go"}
	want := []string{"pkg", "main.go"}
	if got := strangersAt(names, []string{"bin", "*.prof"}); !slices.Equal(got, want) {
		t.Errorf("strangers at the top level are %v, want %v", got, want)
	}
}

// strangersAt returns the names that have no place at the top level.
func strangersAt(names, ignored []string) (strangers []string) {
	for _, name := range names {
		fits := func(pattern string) bool { match, _ := path.Match(pattern, name); return match }
		if name[0] != '.' && !slices.Contains(topLevel, name) && !slices.ContainsFunc(ignored, fits) {
			strangers = append(strangers, name)
		}
	}
	return strangers
}

// ignored returns the patterns of .gitignore, without the slashes around them.
func ignored(t *testing.T) (patterns []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, ".gitignore"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		patterns = append(patterns, strings.Trim(line, "/\n"))
	}
	return patterns
}

func TestFilesAreShort(t *testing.T) {
	walk := func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(file) != ".go" {
			return err
		}
		lines, err := countLines(file)
		if lines > longest {
			t.Errorf("%s has %d lines, more than %d: is it one thing?", file, lines, longest)
		}
		return err
	}
	if err := filepath.WalkDir(root, walk); err != nil {
		t.Fatal(err)
	}
}

func countLines(file string) (n int, err error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	scanner := bufio.NewScanner(f)
	for scanner.Scan() {
		n++
	}
	return n, scanner.Err()
}
