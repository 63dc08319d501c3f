package builtin_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postflight/probe"
)

func TestQueueStatus(t *testing.T) {
	tasks := func(status string, n float64) probe.Value {
		return probe.Value{Metric: "queue_tasks", Label: status, Number: n}
	}
	users := func(n, most float64) []probe.Value {
		return []probe.Value{{Metric: "queue_users_processing", Number: n}, {Metric: "queue_user_tasks_max", Number: most}}
	}
	four := func(queued, processing, completed, failed float64) []probe.Value {
		return []probe.Value{tasks("queued", queued), tasks("processing", processing), tasks("completed", completed), tasks("failed", failed)}
	}
	all := func(lists ...[]probe.Value) (values []probe.Value) {
		for _, list := range lists {
			values = append(values, list...)
		}
		return values
	}
	wrong := func(wanted, got string) verdict { return verdict{probe.Fail, probe.ReasonBody, wanted, got} }
	const object, numbers = "queue_counts, an object of numbers", "queue_counts, an object of numbers that are not negative"
	tests := []struct {
		name, body string
		want       verdict
		values     []probe.Value
	}{
		{"a busy queue", `{"queue_counts":{"queued":12,"processing":3,"completed":980,"failed":5},"user_concurrency":{"17":2,"42":1},"avg_wait_time_seconds":8.75,"worker_id":"x"}`,
			verdict{}, all(four(12, 3, 980, 5), users(2, 2), []probe.Value{{Metric: "queue_wait_average_seconds", Number: 8.75}})},
		{"an empty queue leaves out what is 0", `{"queue_counts":{},"user_concurrency":{},"avg_wait_time_seconds":0}`,
			verdict{}, all(four(0, 0, 0, 0), users(0, 0), []probe.Value{{Metric: "queue_wait_average_seconds"}})},
		{"a status that is new", `{"queue_counts":{"queued":1,"paused":7,"a\"b\nc":2}}`,
			verdict{}, all(four(1, 0, 0, 0), []probe.Value{tasks("a\"b\nc", 2), tasks("paused", 7)})},
		{"the database is lost", `{"error":"(pymysql.err.OperationalError) (2013, 'Lost connection to mysql://root:s3cret@db:3306 password=s3cret')"}`,
			wrong("no error", "error: (pymysql.err.OperationalError) (2013, 'Lost connection to <secret>@db:3306 password=<secret>')"), nil},
		{"an error beside an object", `{"error":{"code":7,"password":"s3cret"},"queue_counts":{}}`,
			wrong("no error", `error: {"code":7,"password":<secret>}`), nil},
		{"no counts", `{"user_concurrency":{}}`, wrong(object, "nothing"), nil},
		{"null for counts", `{"queue_counts":null}`, wrong(object, "null"), nil},
		{"a list for counts", `{"queue_counts":[1]}`, wrong(object, "a list"), nil},
		{"text for a number", `{"queue_counts":{"queued":"12"}}`, wrong(numbers, `the text "12"`), nil},
		{"null for a number", `{"queue_counts":{"queued":null}}`, wrong(numbers, "null"), nil},
		{"less than nothing", `{"queue_counts":{"queued":-1}}`, wrong(numbers, "-1"), nil},
		{"text for users", `{"queue_counts":{},"user_concurrency":{"17":"x"}}`, wrong("user_concurrency, an object of numbers that are not negative", `the text "x"`), nil},
		{"null for the wait of an empty queue", `{"queue_counts":{},"user_concurrency":null,"avg_wait_time_seconds":null}`, verdict{}, four(0, 0, 0, 0)},
		{"a wait of less than nothing", `{"queue_counts":{},"avg_wait_time_seconds":-0.5}`, verdict{}, four(0, 0, 0, 0)},
		{"text for the wait", `{"queue_counts":{},"avg_wait_time_seconds":"x"}`, wrong("avg_wait_time_seconds, a number that is not negative", `the text "x"`), nil},
		{"NaN", `{"queue_counts":{"queued":NaN}}`, wrong("a JSON object", `{"queue_counts":{"queued":NaN}}`), nil},
		{"1e400", `{"queue_counts":{"queued":1e400}}`, wrong("a JSON object", `{"queue_counts":{"queued":1e400}}`), nil},
		{"a page", `<html>`, wrong("a JSON object", "<html>"), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := look(t, "queue-status", token("an-administrator"), answers(200, tt.body))
			if diff := cmp.Diff(tt.want, verdictOf(got)); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.values, got.Values); diff != "" {
				t.Errorf("values (-want +got):\n%s", diff)
			}
		})
	}
}

// What to do with so many is for those who keep them; here none is lost.
func TestQueueOfFiveThousandStatuses(t *testing.T) {
	var counts []string
	for i := range 5000 {
		counts = append(counts, fmt.Sprintf(`"s%04d":%d`, i, i))
	}
	got := look(t, "queue-status", token("an-administrator"), answers(200, `{"queue_counts":{`+strings.Join(counts, ",")+`}}`))
	if got.Outcome != probe.Pass || len(got.Values) != 5004 {
		t.Errorf("outcome %v with %d values, want pass with 5004", got.Outcome, len(got.Values))
	}
}
