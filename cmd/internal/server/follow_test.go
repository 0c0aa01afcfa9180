package server_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/server/servertest"
)

// Who follows from now on by a clock that is an hour ahead is told what comes all the same.
func TestFollowerAhead(t *testing.T) {
	s := servertest.Start(t, t.TempDir())
	ctx, end := context.WithCancel(t.Context())
	told := make(chan api.Event, 10)
	ended := make(chan error, 1)
	defer func() {
		end()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	go func() {
		q := api.Query{Since: time.Now().Add(time.Hour), Follow: true}
		ended <- s.Events(ctx, q, func(e api.Event) error { told <- e; return nil })
	}()
	pace := time.NewTicker(300 * time.Millisecond)
	defer pace.Stop()
	for late := time.After(60 * time.Second); ; {
		select {
		case e := <-told:
			if e.Host != "fast" || e.Event != "raise" {
				t.Errorf("told of %+v, want that fast is ahead", e)
			}
			return
		case <-late:
			t.Fatal("nothing is told of a host that is ahead")
		case now := <-pace.C:
			s.Send(t, fmt.Sprintf("<14>1 %s fast app - - - x", now.Add(40*time.Second).UTC().Format(time.RFC3339Nano)))
		}
	}
}
