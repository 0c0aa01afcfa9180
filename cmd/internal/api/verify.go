package api

import (
	"net/url"

	"github.com/skewatch/skewatch/storage"
)

// PathVerify is where Verify is asked for.
const PathVerify = "/api/v1/verify"

// A VerifyQuery asks for the files to be verified. The zero value relies on the keys that
// the data directory lists.
type VerifyQuery struct {
	Keys  string   // public keys, a line each, instead of those
	Heads []string // signed heads that the history must go on from

	// Progress, if not nil, is called from time to time.
	Progress func(Progress)
}

// A Flaw is something that Verify found.
type Flaw struct {
	File    string `json:"file"` // in the data directory
	Record  string `json:"record"`
	Problem string `json:"problem"`
}

// A VerifyLine is one line of the answer: one of these.
type VerifyLine struct {
	Flaw     *Flaw             `json:"finding,omitempty"`
	Progress *Progress         `json:"progress,omitempty"`
	Verified *storage.Verified `json:"verified,omitempty"` // the last line
}

// Values writes a query as URL parameters; ParseVerifyQuery reads them.
func (q VerifyQuery) Values() url.Values {
	v := url.Values{}
	if q.Keys != "" {
		v.Set("keys", q.Keys)
	}
	for _, head := range q.Heads {
		v.Add("head", head)
	}
	if q.Progress != nil {
		v.Set("progress", "true")
	}
	return v
}

// ParseVerifyQuery reads a query from URL parameters, as strictly as ParseQuery.
func ParseVerifyQuery(v url.Values) (q VerifyQuery, err error) {
	p := parameters{values: v}
	q.Keys, _ = p.text("keys")
	q.Heads = p.list("head")
	if p.bool("progress") {
		q.Progress = func(Progress) {}
	}
	return q, p.end()
}
