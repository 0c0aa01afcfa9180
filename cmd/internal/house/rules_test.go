package house

import (
	"fmt"
	"slices"
	"strings"
)

// A room is a package of this module, or with "/..." that and all below it.
type room string

// A rule says what the packages of a room may import of this module.
type rule struct {
	of   room
	only []room
}

// imports are the rules of the house. Each that fits a package holds for it, and a
// package always may import what lies in its own room. What is not listed here
// (the commands, and the server that puts all together) is free.
var imports = []rule{
	{of: "collector/message/...", only: nil},
	{of: "collector/parse/...", only: []room{"collector/message"}},
	{of: "collector/frame/...", only: []room{"collector/message"}},
	{of: "collector/...", only: nil},
	{of: "storage/...", only: []room{"collector/message"}},
	{of: "analysis/...", only: []room{"collector/message"}},
	{of: "ntpcheck/...", only: nil},
}

// strangers are rooms that never import one another: adapters of the domain to one
// technology each.
var strangers = []room{
	"cmd/internal/web/...",
	"cmd/internal/metrics/...",
	"cmd/internal/notify/...",
	"cmd/internal/schedule/...",
	"cmd/internal/forward/...",
	"storage/jetstream/...",
}

// reserved are libraries, with all below them, that only one room may import.
var reserved = map[string]room{
	"github.com/prometheus/client_golang": "cmd/internal/metrics/...",
	"github.com/wneessen/go-mail":         "cmd/internal/notify/...",
	"github.com/robfig/cron/v3":           "cmd/internal/config/...",
}

// bare are rooms that import nothing but the standard library and this module.
var bare = []room{"collector/message/..."}

// holds reports whether the package, a path below the module's, is in the room.
func (r room) holds(pkg string) bool {
	base, below := strings.CutSuffix(string(r), "/...")
	return pkg == base || below && strings.HasPrefix(pkg, base+"/")
}

func anyHolds(rooms []room, pkg string) bool {
	return slices.ContainsFunc(rooms, func(r room) bool { return r.holds(pkg) })
}

// violations returns what is wrong with a package of the module that imports what
// is given: paths below the module's for its own packages, whole ones for others.
func violations(pkg string, own, foreign []string) []string {
	var wrong []string
	for _, imported := range own {
		wrong = append(wrong, violatesRules(pkg, imported)...)
		wrong = append(wrong, areStrangers(pkg, imported)...)
	}
	for _, library := range foreign {
		wrong = append(wrong, misusesLibrary(pkg, library)...)
	}
	return wrong
}

func violatesRules(pkg, imported string) (wrong []string) {
	for _, r := range imports {
		if r.of.holds(pkg) && !r.of.holds(imported) && !anyHolds(r.only, imported) {
			wrong = append(wrong, fmt.Sprintf("%s imports %s: %s may import of this module only its own room and %v", pkg, imported, r.of, r.only))
		}
	}
	return wrong
}

func areStrangers(pkg, imported string) (wrong []string) {
	for _, r := range strangers {
		if r.holds(pkg) && !r.holds(imported) && anyHolds(strangers, imported) {
			wrong = append(wrong, fmt.Sprintf("%s imports %s: adapters never import each other", pkg, imported))
		}
	}
	return wrong
}

func misusesLibrary(pkg, library string) (wrong []string) {
	for prefix, owner := range reserved {
		if strings.HasPrefix(library+"/", prefix+"/") && !owner.holds(pkg) {
			wrong = append(wrong, fmt.Sprintf("%s imports %s: only %s may", pkg, library, owner))
		}
	}
	if first, _, _ := strings.Cut(library, "/"); strings.Contains(first, ".") && anyHolds(bare, pkg) {
		wrong = append(wrong, fmt.Sprintf("%s imports %s: it may import the standard library only", pkg, library))
	}
	return wrong
}
