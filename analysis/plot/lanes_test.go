package plot

import (
	"bytes"
	"testing"
	"time"
)

func TestLanes(t *testing.T) {
	at := func(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }
	l := Lanes{Title: `events <a&b>`, From: noon, To: at(60), Lanes: []Lane{
		{"web1", []Event{{At: at(10), Low: at(10), High: at(10), Label: "<+0.1> one"}, {At: at(20), Low: at(15), High: at(25), Label: "two", Grave: true}}},
		{"a name that is longer than there is room for", []Event{{At: at(30), High: at(30), Label: "not after"}}},
		{"silent", nil},
	}}
	var b bytes.Buffer
	if err := l.WriteSVG(&b); err != nil {
		t.Fatal(err)
	}
	wellFormed(t, "lanes", b.String())
	golden(t, "lanes", b.String())
}
