package report

import (
	"bytes"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// TestSchema holds the reports' JSON against the schema that users have, which allows no
// field that it doesn't know.
func TestSchema(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("../../examples/schema/report.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	empty := fixed()
	empty.Hosts, empty.Header.Asked.Since = []Row{}, nil
	drawn := fixed()
	drawn.Series = []Series{{Host: "ahead", Points: []Point{{*at(12, 5, 0), -0.01, 0.24, 0.26}}}}
	madeUp := fixed()
	madeUp.Header.Simulated = true
	for name, r := range map[string]*Report{"full": fixed(), "empty": empty, "drawn": drawn, "made up": madeUp} {
		var b bytes.Buffer
		if err := r.WriteJSON(&b); err != nil {
			t.Fatal(err)
		}
		instance, err := jsonschema.UnmarshalJSON(&b)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(instance); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	wrong := fixed()
	wrong.Hosts[0].Verdict = "fine"
	var b bytes.Buffer
	wrong.WriteJSON(&b)
	if instance, err := jsonschema.UnmarshalJSON(&b); err != nil || schema.Validate(instance) == nil {
		t.Errorf("a verdict that there isn't passes: %v", err)
	}
}
