package client_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/client"
	"github.com/skewatch/skewatch/cmd/internal/server/servertest"
)

// TestOrdersOverHTTP holds what is ordered over HTTP against what the server says itself.
func TestOrdersOverHTTP(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, t.TempDir())
	c := client.NewHTTP(s.URL)
	by := api.Signature{Author: "anna", Comment: "a & <b>"}
	made, err := c.Silence(t.Context(), api.SilenceOrder{Host: "web*", Verdicts: []string{"late"}, Span: api.Span{For: 60}, Signature: by})
	if err != nil || made.ID != 1 || made.Comment != "a & <b>" {
		t.Fatalf("made is %+v, %v", made, err)
	}
	for _, d := range []api.Desk{c, s} {
		if all, err := d.Mutes(t.Context(), api.MuteQuery{}); err != nil || len(all) != 1 || !reflect.DeepEqual(all[0], made) {
			t.Errorf("lasting are %+v, %v, want %+v", all, err, made)
		}
		if all, err := d.Warnings(t.Context(), api.Query{}); err != nil || len(all) != 0 {
			t.Errorf("open are %+v, %v", all, err)
		}
	}
	_, err = c.Acknowledge(t.Context(), api.AcknowledgeOrder{Host: "web1", Signature: by})
	if err == nil || !strings.HasSuffix(err.Error(), ": "+analysis.ErrNoWarning.Error()) {
		t.Errorf("what isn't open is acknowledged: %v", err)
	}
	ended, err := c.Unmute(t.Context(), api.UnmuteOrder{ID: 1, Author: "bob & co"})
	if err != nil || ended.State != api.MuteEnded || ended.EndedBy != "bob & co" || time.Since(*ended.Ended) > servertest.Patience {
		t.Errorf("ended is %+v, %v", ended, err)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Unmute(t.Context(), api.UnmuteOrder{ID: 1, Author: "bob"}); !errors.As(err, new(*client.UnreachableError)) {
		t.Errorf("without a server: %v", err)
	}
}
