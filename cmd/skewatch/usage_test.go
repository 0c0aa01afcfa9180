package main

import (
	"bytes"
	"strings"
	"testing"
)

// The overview is written by hand: it must not leave a command out.
func TestOverviewNamesEveryCommand(t *testing.T) {
	var b bytes.Buffer
	p := testProgram()
	p.stdout = &b
	if code := p.run([]string{"--help"}); code != 0 {
		t.Fatalf("--help exits with %d", code)
	}
	for _, c := range p.rootCommand().Commands() {
		if c.Name() != "help" && !c.Hidden && !strings.Contains(b.String(), "\n  "+c.Name()+" ") {
			t.Errorf("the overview doesn't name %s:\n%s", c.Name(), b.String())
		}
	}
}
