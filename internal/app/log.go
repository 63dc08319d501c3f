package app

import (
	"io"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"postflight/internal/state"
	"postflight/probe"
)

// NewLogger makes a logger for one of the levels debug, info, warn and error, in one of the formats json and console.
// Logging never waits for the reader of the log: see sink. Call closeLog at the end, so that the last lines get there.
func NewLogger(to io.Writer, level, format string) (log *zap.Logger, closeLog func(), err error) {
	least, err := zapcore.ParseLevel(level)
	if err != nil {
		return nil, nil, err
	}
	fields := zap.NewProductionEncoderConfig()
	fields.TimeKey, fields.EncodeTime = "time", zapcore.RFC3339NanoTimeEncoder
	encoder := zapcore.NewJSONEncoder(fields)
	if format == "console" {
		fields.EncodeTime = zapcore.TimeEncoderOfLayout(time.TimeOnly)
		fields.EncodeLevel = zapcore.CapitalLevelEncoder
		encoder = zapcore.NewConsoleEncoder(fields)
	}
	s := newSink(to)
	return zap.New(zapcore.NewCore(encoder, s, least)), s.close, nil
}

// passing is for how long a unit may be failed or inactive on its way from a crash to its restart. Which state it has then is
// no news; that it runs again is.
const passing = 2 * time.Second

// unitLine is how a unit was when it was last logged.
type unitLine struct {
	condition string
	restarts  uint64 // of one that runs
}

// changes logs what becomes different: a check's outcome, a unit's state. What goes on as it was is not logged again,
// and what is well from the start is not news.
func changes(log *zap.Logger) func(state.Event) {
	units := map[probe.Key]unitLine{}
	down := map[probe.Key]time.Time{} // since when a unit that was up is failed or inactive
	return func(event state.Event) {
		if event.Result.Log != nil {
			if event.Changed {
				logLog(log, event)
			}
			return
		}
		if event.Unit != nil {
			key, is, now := event.Unit.Key, condition(event.Unit, event.Result.End()), event.Result.End()
			switch {
			case is != "failed" && is != "inactive":
				delete(down, key)
			case units[key].condition == "": // seen for the first time
			case down[key].IsZero():
				down[key] = now
			}
			if since := down[key]; !since.IsZero() && now.Sub(since) < passing {
				return
			}
			entry := unitLine{condition: is}
			if is == "active" {
				entry.restarts = event.Unit.Restarts
			}
			if is != "" && entry != units[key] {
				units[key] = entry
				logUnit(log, event.Unit, is)
			}
			return
		}
		if event.Changed && !(event.First && event.Result.Outcome == probe.Pass) {
			logCheck(log, event)
		}
	}
}

func logCheck(log *zap.Logger, event state.Event) {
	r := event.Result
	level := zapcore.WarnLevel
	if r.Outcome == probe.Pass {
		level = zapcore.InfoLevel
	}
	fields := []zap.Field{
		zap.String("service", r.Key.Service), zap.String("target", r.Key.Target), zap.String("check", r.Key.Check),
		zap.Stringer("outcome", r.Outcome),
	}
	if r.Outcome != probe.Pass {
		fields = append(fields, zap.String("reason", string(r.Reason)), zap.String("wanted", r.Wanted), zap.String("got", r.Got))
	}
	log.Log(level, "check outcome changed", fields...)
}

// logLog tells that a unit's log is out of reach, or again within it.
func logLog(log *zap.Logger, event state.Event) {
	fields := []zap.Field{zap.String("service", event.Result.Key.Service), zap.String("unit", event.Result.Key.Unit)}
	switch {
	case event.Result.Outcome == probe.Error:
		log.Warn("unit log not readable", append(fields, zap.String("why", event.Result.Got))...)
	case !event.First:
		log.Info("unit log readable again", fields...)
	}
}

// condition is what is worth a line when it changes; empty for what is only on the way. A crash loop is one condition,
// however its states alternate.
func condition(unit *state.UnitState, now time.Time) string {
	switch {
	case !unit.Observable():
		return "unobservable"
	case unit.CrashLooping(now):
		return "crash looping"
	}
	switch state := unit.State(); state {
	case "activating", "deactivating", "reloading", "refreshing":
		return ""
	default:
		return state
	}
}

func logUnit(log *zap.Logger, unit *state.UnitState, condition string) {
	level := zapcore.InfoLevel
	fields := []zap.Field{
		zap.String("service", unit.Key.Service), zap.String("unit", unit.Key.Unit),
		zap.String("state", condition), zap.Uint64("restarts", unit.Restarts),
	}
	switch condition {
	case "unobservable":
		fields = append(fields, zap.String("why", unit.Last.Got))
		level = zapcore.WarnLevel
	case "crash looping", "failed", "not-found", "masked":
		fields = append(fields, zap.String("result", unit.Last.Unit.Result))
		level = zapcore.WarnLevel
	}
	log.Log(level, "unit state changed", fields...)
}
