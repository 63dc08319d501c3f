package verdict

import "slices"

// Cause is why a deployment failed, or what there is to warn of, from a fixed list: it is a label value.
type Cause string

// The causes.
const (
	MissingDependency   Cause = "missing_dependency"
	PortInUse           Cause = "port_in_use"
	CrashLoop           Cause = "crash_loop"
	StartLimitHit       Cause = "start_limit_hit"
	OOMKilled           Cause = "oom_killed"
	Watchdog            Cause = "watchdog"
	UnitMissing         Cause = "unit_missing"
	UnitFailed          Cause = "unit_failed"
	NotListening        Cause = "not_listening"
	Unresolvable        Cause = "unresolvable"
	TLS                 Cause = "tls"
	Timeout             Cause = "timeout"
	WrongStatus         Cause = "wrong_status"
	NotJSON             Cause = "not_json"
	AuthBypassed        Cause = "auth_bypassed"
	AuthBroken          Cause = "auth_broken"
	AuthRejectsValid    Cause = "auth_rejects_valid"
	CredentialsRejected Cause = "credentials_rejected"
	DatabaseUnreachable Cause = "database_unreachable"
	CacheDown           Cause = "cache_down"
	QueueBroken         Cause = "queue_broken"
	Assertion           Cause = "assertion"
	Slow                Cause = "slow"
	LogErrors           Cause = "log_errors"
)

// advice is what people are told of a cause. In braces: units, targets and checks are those concerned; detail, wanted and
// got are the first one's. An empty hint is the clue's own.
type advice struct {
	cause   Cause
	summary string
	hint    string
}

// advices lists the causes, the most specific first: each can be explained by those before it only.
var advices = []advice{
	{MissingDependency, "{units}: {detail}", ""},
	{PortInUse, "{units}: the address that it listens on is in use",
		"See what holds it with `ss -ltnp`: what is left of the last release, or another service. Stop that, then `systemctl restart {unit}`."},
	{OOMKilled, "{units}: killed for want of memory, {detail}",
		"`systemctl show -p MemoryMax {unit}` tells its limit, and `journalctl -k` what the kernel killed. Look what this release loads, or raise the limit."},
	{Watchdog, "{units}: killed by systemd's watchdog, {detail}",
		"It hung, or does not tell systemd that it is alive as often as `WatchdogSec=` wants: read `journalctl -u {unit} -n 50`."},
	{DatabaseUnreachable, "the service cannot use its database, {detail}",
		"Look whether the database runs, and whether this release has the right host, port, name, user and password for it (MYSQL_HOST and so on)."},
	{CrashLoop, "{units}: crash loop, {detail}",
		"Read why it exits with `journalctl -u {unit} -n 50`, mend it, then `systemctl restart {unit}`."},
	{StartLimitHit, "{units}: systemd has given up starting it, {detail}",
		"Read why it exits with `journalctl -u {unit} -n 50`, mend it, then `systemctl reset-failed {unit}` and `systemctl start {unit}`."},
	{UnitMissing, "{units}: {detail}",
		"Install the unit's file and `systemctl daemon-reload`, unmask it, or correct the name given to postflight."},
	{UnitFailed, "{units}: {detail}",
		"Read why with `systemctl status {unit}` and `journalctl -u {unit} -n 50`."},
	{AuthBypassed, "{checks} at {targets}: authentication accepts what it must refuse",
		"Who should be kept out can use this API now: take the release back, then look whether signatures and expiry are verified and the algorithm is pinned."},
	{Unresolvable, "{targets}: the name cannot be resolved",
		"Correct the target's host name, or mend the resolver of this machine."},
	{NotListening, "{targets}: nothing accepts connections",
		"Look whether the process runs and listens on this address and port (`ss -ltnp`), and whether a firewall is between."},
	{TLS, "{targets}: no TLS connection, {got}",
		"Renew or correct the certificate and its chain, or the name in the target's URL."},
	{AuthBroken, "{checks} at {targets}: authentication itself fails, {got}",
		"Most often the database that holds the users cannot be reached: look at the service's log and its database settings."},
	{AuthRejectsValid, "{checks} at {targets}: a valid token is refused",
		"Compare JWT_SECRET_KEY with the one that signed the token, and see that proxies pass the Authorization header on."},
	{QueueBroken, "{checks} at {targets}: the queue cannot be read, {got}",
		"It answers 200 and hides the error in the body. Look whether its database is up and the table task_queue exists."},
	{Timeout, "{checks} at {targets}: no complete answer in time",
		"The process accepts connections and hangs, or waits for something: look at its log, its database and its load."},
	{WrongStatus, "{checks} at {targets}: {got}, wanted {wanted}",
		"Look whether the route exists in this release and what stands in front of it (proxy, login page)."},
	{NotJSON, "{checks} at {targets}: the answer is not a JSON object",
		"Something else answers in the service's place, such as a proxy's error page or the front end: look at the routing."},
	{Assertion, "{checks} at {targets}: {got}, wanted {wanted}",
		"The service answers, but not with what was expected: look at what this release changed there."},
	{Slow, "{checks} at {targets}: right, but slow, {got}",
		"Look what this release waits for: queries, a cold cache, the machine's load."},
	{LogErrors, "{units}: errors in the log, {detail}",
		"Read what stands around them with `journalctl -u {unit} -n 100`."},
	{CacheDown, "{checks} at {targets}: the service runs without its cache, {got}",
		"Look whether Redis runs, and whether this release has the right address for it. Until then the service works, and is slower."},
	{CredentialsRejected, "{checks} at {targets}: postflight's own credentials do not work, {got}",
		"Correct what the credentials name: the token, or the user and the password. This alone fails no deployment."},
}

// stillBypassed is said of an AuthBypassed from before the deployment: it fails none, and must not be overlooked for that.
var stillBypassed = advice{
	AuthBypassed, "{checks} at {targets}: AUTHENTICATION ACCEPTS WHAT IT MUST REFUSE, and did before this deployment",
	"Who should be kept out can use this API now, and could before: taking the release back does not help. Close it, then look whether signatures and expiry are verified and the algorithm is pinned.",
}

// adviceOn tells a cause's place in the order, and what to say.
func adviceOn(c Cause) (int, advice) {
	i := slices.IndexFunc(advices, func(a advice) bool { return a.cause == c })
	return i, advices[i]
}
