package retry

import (
	"context"
	"testing"
	"time"
)

func TestPause(t *testing.T) {
	tests := []struct {
		failures    int
		least, most time.Duration
	}{
		{1, 500 * time.Millisecond, time.Second},
		{2, time.Second, 2 * time.Second},
		{9, 128 * time.Second, 256 * time.Second},
		{10, 150 * time.Second, 5 * time.Minute},
		{1000, 150 * time.Second, 5 * time.Minute},
	}
	for _, tt := range tests {
		for range 1000 {
			if d := Pause(tt.failures, time.Second, 5*time.Minute); d < tt.least || d > tt.most {
				t.Fatalf("after %d failures the pause is %v, want %v to %v", tt.failures, d, tt.least, tt.most)
			}
		}
	}
}

func TestWaitEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	begin := time.Now()
	Wait(ctx, time.Hour)
	if d := time.Since(begin); d > time.Minute {
		t.Errorf("Wait took %v after its context had ended", d)
	}
}
