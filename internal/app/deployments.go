package app

import (
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"postflight/internal/deployment"
	"postflight/internal/verdict"
)

// desk makes the one that verifies what the engine looks at.
func (e *engine) desk(rules func(service string) (deployment.Rules, bool), kept func()) *deployment.Desk {
	return deployment.New(deployment.Options{
		Store: e.store, Rules: rules, Begin: e.begin, End: e.end,
		Kept: kept, Tell: tellDeployments(e.options.log), BusAddress: e.options.busAddress,
	})
}

// surePatience is how long a verdict, or a rollback, waits for a disk that does not answer. Then it goes on: a release that
// is broken is worse than one that might be taken back twice.
const surePatience = 10 * time.Second

// keepSurely has what has changed written before it returns.
func (d *Daemon) keepSurely() {
	if !d.kept.isKept() {
		return
	}
	enough := time.NewTimer(surePatience)
	defer enough.Stop()
	done := make(chan struct{})
	select {
	case d.kept.asked <- done:
	case <-d.unkept:
		return
	case <-enough.C:
		return
	}
	select {
	case <-done:
	case <-enough.C:
	}
}

// rules are what is configured now of a service's deployments.
func (e *engine) rules(service string) (deployment.Rules, bool) {
	e.changing.Lock()
	defer e.changing.Unlock()
	s := e.service(service)
	if s == nil {
		return deployment.Rules{}, false
	}
	return deployment.Rules{
		Policy: s.config.Verification, Detect: deployment.Detect(s.config.Detect), OnFailure: s.config.OnFailure,
	}, true
}

// tellDeployments logs each state that a verification, or its rollback, comes into.
func tellDeployments(log *zap.Logger) func(verdict.Document) {
	return func(d verdict.Document) {
		fields := []zap.Field{
			zap.String("service", d.Service), zap.String("release", d.Release), zap.String("source", d.Source), zap.String("id", d.ID),
			zap.String("state", string(d.State)),
		}
		if d.RollbackOf != "" {
			fields = append(fields, zap.String("rollback_of", d.RollbackOf))
		}
		if d.Reason != "" {
			fields = append(fields, zap.String("reason", string(d.Reason)))
		}
		if len(d.Causes) > 0 {
			fields = append(fields, zap.String("cause", string(d.Causes[0].Cause)), zap.String("summary", d.Causes[0].Summary))
		}
		if d.Rollback.State == verdict.NoRollback {
			log.Log(levelOf(d.State == verdict.Failed || d.State == verdict.Inconclusive), "verification", fields...)
			return
		}
		r := d.Rollback
		fields = append(fields, zap.String("rollback", string(r.State)), zap.String("hook", r.Hook))
		if r.Verification != "" {
			fields = append(fields, zap.String("verification", r.Verification))
		}
		if r.Problem != "" {
			fields = append(fields, zap.String("problem", r.Problem))
		}
		goingWell := r.State == verdict.RollbackSucceeded || r.State == verdict.RollbackRunning && r.Verification != ""
		log.Log(levelOf(!goingWell), "rollback", fields...)
	}
}

func levelOf(worrying bool) zapcore.Level {
	if worrying {
		return zapcore.WarnLevel
	}
	return zapcore.InfoLevel
}
