package rules

import (
	"bytes"
	"embed"
	"io/fs"
	"path"
	"strings"
)

//go:embed builtin/*.yaml
var builtin embed.FS

// BuiltinPrefix begins the name of a file of rules that comes with the program.
const BuiltinPrefix = "builtin:"

// Builtins returns the names of the files that come with the program.
func Builtins() (names []string) {
	files, err := fs.Glob(builtin, "builtin/*.yaml")
	if err != nil {
		panic(err) // the pattern is a good one
	}
	for _, f := range files {
		names = append(names, BuiltinPrefix+strings.TrimSuffix(path.Base(f), ".yaml"))
	}
	return names
}

// BuiltinText returns a file that comes with the program as it stands, by its name.
func BuiltinText(name string) ([]byte, bool) {
	text, err := builtin.ReadFile("builtin/" + strings.TrimPrefix(name, BuiltinPrefix) + ".yaml")
	return text, err == nil && strings.HasPrefix(name, BuiltinPrefix)
}

// Builtin reads a file that comes with the program.
func Builtin(name string) (f *File, ok bool, err error) {
	text, ok := BuiltinText(name)
	if !ok {
		return nil, false, nil
	}
	f, err = Parse(name, bytes.NewReader(text))
	return f, true, err
}
