package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/expr-lang/expr"

	"postflight/internal/expect"
	"postflight/probe"
)

const judgingGoal = 5 * time.Microsecond

const judgedObjects = 39

// judgedBody is 1.5 KB.
var judgedBody = `{"total": 3, "age_seconds": 5, "items": [{"id": 1, "price": 2.5, "tag": "one"}` +
	strings.Repeat(`, {"id": 2, "price": 1.5, "tag": "b"}`, judgedObjects-1) + `]}`

// judgingFigure is about what stands between a decoded body and the result of a check with an assertion and a value. It is
// too little to be seen in a daemon, so it is measured in this process, by turns with expr itself, which has no bounds
// and does not mind what is absent.
var judgingFigure = figure{
	name: "an assertion and a value, body of 1.5 KB",
	goal: "≤ 5 µs CPU",
	measure: func(*bench) (measured, error) {
		one, err := newJudging(`body.total >= 0`, `body.total`)
		if err != nil {
			return measured{}, err
		}
		every, err := newJudging(`all(body.items, .price > 0)`, `body.total`)
		if err != nil {
			return measured{}, err
		}
		var decoding, judging, bare, judgingEvery, bareEvery []time.Duration
		for range 9 {
			err = errors.Join(
				cpuOf(200, decodeJudged, &decoding),
				cpuOf(20_000, one.judge, &judging), cpuOf(20_000, one.bare, &bare),
				cpuOf(2000, every.judge, &judgingEvery), cpuOf(2000, every.bare, &bareEvery),
			)
			if err != nil {
				return measured{}, err
			}
		}
		return measured{
			fmt.Sprintf("%.1f µs (expr alone %.1f µs); an assertion over each of %d objects %.1f µs (%.1f µs); decoding the body, once, %.0f µs",
				microseconds(judging), microseconds(bare), judgedObjects, microseconds(judgingEvery), microseconds(bareEvery), microseconds(decoding)),
			median(judging) <= judgingGoal,
		}, nil
	},
}

// judging is an assertion and a value, as rules of a check and as expr compiles them.
type judging struct {
	judge func() error
	bare  func() error
}

func newJudging(assertion, value string) (*judging, error) {
	var body any
	if err := json.Unmarshal([]byte(judgedBody), &body); err != nil {
		return nil, err
	}
	answer := expect.Answer{Status: 200, Body: body, Raw: []byte(judgedBody), Size: int64(len(judgedBody))}
	that, err := expect.Compile(assertion)
	if err != nil {
		return nil, err
	}
	from, err := expect.CompileValue(value)
	if err != nil {
		return nil, err
	}
	rules := expect.Rules{
		Assertions: []expect.Assertion{{Name: "holds", That: that, Severity: probe.Fail}},
		Values:     []expect.Reading{{Metric: &probe.Metric{Name: "value_total"}, From: from}},
	}
	env := map[string]any{"body": body}
	condition, err := expr.Compile(assertion, expr.Env(env), expr.AsBool())
	if err != nil {
		return nil, err
	}
	number, err := expr.Compile(value, expr.Env(env))
	if err != nil {
		return nil, err
	}
	return &judging{
		judge: func() error {
			if j := rules.Judge(answer); j.Outcome != probe.Pass || len(j.Values) != 1 {
				return fmt.Errorf("judged %v", j)
			}
			return nil
		},
		bare: func() error {
			held, err := expr.Run(condition, env)
			if held != true {
				return errors.Join(err, errors.New("expr says that it does not hold"))
			}
			_, err = expr.Run(number, env)
			return err
		},
	}, nil
}

func decodeJudged() error {
	var body any
	return json.Unmarshal([]byte(judgedBody), &body)
}

// cpuOf adds to all what one of so many calls used of this process' CPU, its share of collecting garbage included.
func cpuOf(calls int, call func() error, all *[]time.Duration) error {
	before, err := cpuTime(os.Getpid())
	if err != nil {
		return err
	}
	for range calls {
		if err := call(); err != nil {
			return err
		}
	}
	after, err := cpuTime(os.Getpid())
	*all = append(*all, (after-before)/time.Duration(calls))
	return err
}

func microseconds(all []time.Duration) float64 { return median(all).Seconds() * 1e6 }
