package app

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// stalled is a log that nobody reads until it is opened.
type stalled struct {
	open chan struct{}
	text strings.Builder
}

func (s *stalled) Write(line []byte) (int, error) {
	<-s.open
	return s.text.Write(line)
}

func TestALogThatNobodyReadsHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &stalled{open: make(chan struct{})}
		s := newSink(to)
		synctest.Wait()
		for i := range sinkLines + 100 {
			fmt.Fprintf(s, "line %d\n", i)
		}
		began := time.Now()
		s.close() // would wait for ever
		if waited := time.Since(began); waited != sinkPatience {
			t.Errorf("the end waited %v, want %v", waited, sinkPatience)
		}
		close(to.open)
		<-s.done
		text := to.text.String()
		if !strings.Contains(text, "line 0\n") || !strings.Contains(text, fmt.Sprintf("line %d\n", sinkLines-1)) {
			t.Error("lines that had their place were lost")
		}
		if !strings.Contains(text, `"msg":"log lines dropped`) {
			t.Error("nothing says that lines were dropped")
		}
	})
}

func TestTheLastLinesAreWritten(t *testing.T) {
	t.Parallel()
	var to strings.Builder
	log, closeLog, err := NewLogger(&to, "info", "json")
	if err != nil {
		t.Fatal(err)
	}
	log.Info("the last")
	log.Debug("not asked for")
	closeLog()
	if got := to.String(); !strings.Contains(got, `"msg":"the last"`) || strings.Count(got, "\n") != 1 {
		t.Errorf("got %q", got)
	}
}

func TestAnUnknownLevelIsRefused(t *testing.T) {
	t.Parallel()
	if _, _, err := NewLogger(io.Discard, "loud", "json"); err == nil {
		t.Error("accepted")
	}
}
