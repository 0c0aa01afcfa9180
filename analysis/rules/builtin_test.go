package rules

import "testing"

func TestBuiltinsAreValid(t *testing.T) {
	var files []*File
	for _, name := range Builtins() {
		f, ok, err := Builtin(name)
		if !ok || err != nil {
			t.Fatalf("%s: %v, %v", name, ok, err)
		}
		files = append(files, f)
		for _, r := range f.Rules {
			for _, m := range r.match.matchers {
				if m.expression != nil && len(m.literals) == 0 {
					t.Errorf("%s: no text that %s needs is known: each message costs a whole search", name, m.expression)
				}
			}
		}
	}
	if _, err := NewSet(files...); err != nil {
		t.Error(err)
	}
}
