package verdict_test

import (
	"testing"

	"postflight/internal/verdict"
	"postflight/probe"
)

// What drivers say of a database, and whether it means that there is none.
func TestWhatIsSaidOfADatabase(t *testing.T) {
	tests := []struct {
		said string
		gone bool
	}{
		{`(pymysql.err.OperationalError) (2003, "Can't connect to MySQL server on 'db.invalid' ([Errno -2] Name or service not known)")`, true},
		{`(pymysql.err.OperationalError) (2013, 'Lost connection to MySQL server during query')`, true},
		{`(pymysql.err.OperationalError) (2006, "MySQL server has gone away (BrokenPipeError(32, 'Broken pipe'))")`, true},
		{`(pymysql.err.OperationalError) (1045, "Access denied for user 'app'@'10.0.0.7' (using password: YES)")`, true},
		{`(pymysql.err.OperationalError) (1049, "Unknown database 'shop'")`, true},
		{`(pymysql.err.OperationalError) (1040, 'Too many connections')`, true},
		{`[Errno 111] Connection refused`, true},
		{`connection to server at "db" (10.0.0.9), port 5432 failed: Connection timed out`, true},
		{`could not translate host name "db" to address: Temporary failure in name resolution`, true},
		{`数据库连接超时`, true},
		{`QueuePool limit of size 25 overflow 30 reached, connection timed out, timeout 30.00`, false},
		{`(pymysql.err.ProgrammingError) (1146, "Table 'shop.connections' doesn't exist")`, false},
		{`(pymysql.err.OperationalError) (1205, 'Lock wait timeout exceeded; try restarting transaction')`, false},
		{`(pymysql.err.OperationalError) (1213, 'Deadlock found when trying to get lock')`, false},
		{`(pymysql.err.OperationalError) (1054, "Unknown column 'x'") [SQL: SELECT x FROM log WHERE text = 'connection refused']`, false},
		{`'NoneType' object has no attribute 'id'`, false},
	}
	for _, test := range tests {
		want := verdict.LogErrors
		if test.gone {
			want = verdict.DatabaseUnreachable
		}
		running := &probe.Unit{LoadState: "loaded", ActiveState: "active", SubState: "running", Result: "success"}
		d := verified(t, nil, running, 0, []probe.Match{logged("db-session-error", "❌ 数据库会话错误 [fastapi_a333249c]: "+test.said, "")})
		if len(d.Causes) != 1 || d.Causes[0].Cause != want {
			t.Errorf("%s: %s, want %s", test.said, brief(d), want)
		}
	}
}
