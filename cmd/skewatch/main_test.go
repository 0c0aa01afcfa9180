package main

import (
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"skewatch": main})
}

// TestScripts runs the program itself, as each script in testdata/script says.
// With UPDATE=1 in the environment the files that it is compared with are
// written anew.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       os.Getenv("UPDATE") != "",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

var noon = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// testProgram returns a program at noon, with an environment of its own.
func testProgram(environ ...string) *program {
	return &program{environ: environ, now: func() time.Time { return noon }}
}
