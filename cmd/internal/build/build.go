// Package build says what this binary was made of.
package build

import (
	"runtime"
	"runtime/debug"
)

// Info is what the Go toolchain recorded in the binary.
type Info struct {
	Version  string `json:"version"`  // of the module, "(devel)" for one that has none
	Commit   string `json:"commit"`   // "" if not built in a checkout
	Modified bool   `json:"modified"` // the checkout held changes that were not committed
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// This returns what this binary was made of.
func This() Info {
	b := Info{Version: "unknown", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	b.Version = info.Main.Version
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}
