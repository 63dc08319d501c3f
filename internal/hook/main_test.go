package hook_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"postflight/internal/hook"
)

// startInstead, as an environment variable, makes this program start the unit it names, and print the problem: so that a
// test can do it as another user.
const startInstead = "POSTFLIGHT_TEST_START"

const long = time.Minute // a timeout that does not come

func TestMain(m *testing.M) {
	if unit := os.Getenv(startInstead); unit != "" {
		h := hook.Hook{Unit: unit, Timeout: long}
		fmt.Print(h.Run(context.Background(), hook.Options{}).Problem)
		return
	}
	goleak.VerifyTestMain(m)
}

func TestItsName(t *testing.T) {
	for want, h := range map[string]hook.Hook{
		"unit app-rollback.service":        {Unit: "app-rollback.service"},
		"command /opt/app/rollback.sh":     {Command: []string{"/opt/app/rollback.sh"}},
		"command /opt/app/rollback-now.sh": {Command: []string{"/opt/app/rollback-now.sh", "--token", "hunter2"}},
	} {
		if got := h.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestTheDeploymentsItIsFor(t *testing.T) {
	h := hook.Hook{On: []string{"api", "cli"}}
	for source, want := range map[string]bool{"api": true, "cli": true, "detected": false} {
		if got := h.For(source); got != want {
			t.Errorf("%s: %t, want %t", source, got, want)
		}
	}
}
