package exporter

// table is every metric that there is. docs/metrics.md tells more of each.
var table = [metricCount]metric{
	probeSuccess: {
		name: "postflight_probe_success", kind: gauge, labels: labelsOf("target", "check"),
		help: "Whether the last probe passed, perhaps with a warning. Absent where it could not measure.",
	},
	probeWarning: {
		name: "postflight_probe_warning", kind: gauge, labels: labelsOf("target", "check"),
		help: "Whether the last probe passed with a warning.",
	},
	probeError: {
		name: "postflight_probe_error", kind: gauge, labels: labelsOf("target", "check"),
		help: "Whether the last probe could not measure, which says nothing about the backend.",
	},
	probesTotal: {
		name: "postflight_probes_total", kind: counter, labels: labelsOf("target", "check", "outcome"),
		help: "Probes by how they ended.",
	},
	probeFailureInfo: {
		name: "postflight_probe_failure_info", kind: gauge, labels: labelsOf("target", "check", "reason"),
		help: "Why the last probe failed or could not measure; always 1.",
	},
	probeDuration: {
		name: "postflight_probe_duration_seconds", kind: histogram, labels: labelsOf("target", "check"),
		help: "How long requests took that got an answer or timed out.",
	},
	probePhaseDuration: {
		name: "postflight_probe_phase_duration_seconds", kind: gauge, labels: labelsOf("target", "check", "phase"),
		help: "How long each phase of the last probe took.",
	},
	probeStatusCode: {
		name: "postflight_probe_http_status_code", kind: gauge, labels: labelsOf("target", "check"),
		help: "The HTTP status code that the last probe got.",
	},
	probeLastRun: {
		name: "postflight_probe_last_run_timestamp_seconds", kind: gauge, labels: labelsOf("target", "check"),
		help: "When the last probe ended.",
	},
	probeLastSuccess: {
		name: "postflight_probe_last_success_timestamp_seconds", kind: gauge, labels: labelsOf("target", "check"),
		help: "When the last probe ended that passed, perhaps with a warning.",
	},
	probeInterval: {
		name: "postflight_probe_interval_seconds", kind: gauge, labels: labelsOf("target", "check"),
		help: "Time between two probes as scheduled.",
	},
	probeBaseline: {
		name: "postflight_probe_baseline_duration_seconds", kind: untyped, labels: labelsOf("target", "check", "quantile"),
		help: "How long requests took lately, as quantiles; those of verifications are not among them.",
	},
	certificateExpiry: {
		name: "postflight_probe_tls_certificate_expiry_timestamp_seconds", kind: gauge, labels: labelsOf("target"),
		help: "When the certificate expires that the target showed last, trusted or not.",
	},
	checkInfo: {
		name: "postflight_check_info", kind: gauge, labels: labelsOf("check", "critical"),
		help: "A configured check, and whether it decides if the service is up; always 1.",
	},
	targetInfo: {
		name: "postflight_target_info", kind: gauge, labels: labelsOf("target"),
		help: "A target, and what the list says of it that names it; always 1.",
	},
	assertionSuccess: {
		name: "postflight_assertion_success", kind: gauge, labels: labelsOf("target", "check", "assertion"),
		help: "Whether the assertion held in the last probe.",
	},
	authRejectionStatus: {
		name: "postflight_auth_rejection_status_code", kind: gauge, labels: labelsOf("target", "token"), value: true,
		help: "The HTTP status code that answered a forged token; 401 is right.",
	},
	authBypassed: {
		name: "postflight_auth_bypassed", kind: gauge, labels: labelsOf("target"), value: true,
		help: "Whether a forged token was accepted when that could last be told.",
	},
	healthStatus: {
		name: "postflight_health_status", kind: stateSet, labels: labelsOf("target", "status"), value: true,
		help: "What the backend says of its health; all 0 where the last probe did not learn it.",
	},
	healthComponentStatus: {
		name: "postflight_health_component_status", kind: stateSet, labels: labelsOf("target", "component", "status"), value: true,
		help: "What the backend says of the health of a component of its.",
	},
	dbSessionsActive: {
		name: "postflight_db_sessions_active", kind: gauge, labels: labelsOf("target"), value: true,
		help: "Open database sessions of the worker process that answered.",
	},
	dbSessionsMaxConcurrent: {
		name: "postflight_db_sessions_max_concurrent", kind: gauge, labels: labelsOf("target"), value: true,
		help: "The most database sessions at once, of the worker process that answered.",
	},
	dbSessionLifetime: {
		name: "postflight_db_session_lifetime_average_seconds", kind: gauge, labels: labelsOf("target"), value: true,
		help: "How long a database session lasted on average, of the worker process that answered.",
	},
	dbPotentialLeaks: {
		name: "postflight_db_potential_leaks", kind: gauge, labels: labelsOf("target"), value: true,
		help: "Database sessions that may have leaked, of the worker process that answered.",
	},
	dbSessionsOpened: {
		name: "postflight_db_sessions_opened_total", kind: counter, labels: labelsOf("target"), value: true,
		help: "Database sessions opened, as far as seen, over all worker processes.",
	},
	dbSessionsClosed: {
		name: "postflight_db_sessions_closed_total", kind: counter, labels: labelsOf("target"), value: true,
		help: "Database sessions closed, as far as seen, over all worker processes.",
	},
	dbSessionErrors: {
		name: "postflight_db_session_errors_total", kind: counter, labels: labelsOf("target"), value: true,
		help: "Errors of database sessions, as far as seen, over all worker processes.",
	},
	dbLongSessions: {
		name: "postflight_db_long_sessions_total", kind: counter, labels: labelsOf("target"), value: true,
		help: "Database sessions that the backend counts as long, as far as seen, over all worker processes.",
	},
	queueTasks: {
		name: "postflight_queue_tasks", kind: gauge, labels: labelsOf("target", "status"), value: true,
		help: "Tasks in the backend's queue by status.",
	},
	queueUsersProcessing: {
		name: "postflight_queue_users_processing", kind: gauge, labels: labelsOf("target"), value: true,
		help: "Users with a task in processing.",
	},
	queueUserTasksMax: {
		name: "postflight_queue_user_tasks_max", kind: gauge, labels: labelsOf("target"), value: true,
		help: "Tasks in processing of the user who has most of them.",
	},
	queueWait: {
		name: "postflight_queue_wait_average_seconds", kind: gauge, labels: labelsOf("target"), value: true,
		help: "How long tasks wait in the queue on average.",
	},
	unitRestarts: {
		name: "postflight_unit_restarts_total", kind: counter, labels: labelsOf("unit"),
		help: "Automatic restarts since the unit was first seen, whatever resets systemd's own figure.",
	},
	unitNRestarts: {
		name: "postflight_unit_nrestarts", kind: gauge, labels: labelsOf("unit"),
		help: "systemd's own count of automatic restarts, which resets set back to 0.",
	},
	unitStarts: {
		name: "postflight_unit_starts_total", kind: counter, labels: labelsOf("unit", "trigger"),
		help: "Starts of the unit since it was first seen, by what caused them.",
	},
	unitState: {
		name: "postflight_unit_state", kind: stateSet, labels: labelsOf("unit", "state"),
		help: "systemd's ActiveState of the unit, or why there is no such unit; all 0 while it is out of reach.",
	},
	unitExits: {
		name: "postflight_unit_exits_total", kind: counter, labels: labelsOf("unit", "result"),
		help: "Runs of the unit that were seen to end, by systemd's Result.",
	},
	unitMainExitStatus: {
		name: "postflight_unit_main_exit_status", kind: gauge, labels: labelsOf("unit", "kind"),
		help: "Exit status of the unit's main process when it last ended, or the number of the signal that ended it.",
	},
	unitCrashLooping: {
		name: "postflight_unit_crash_looping", kind: gauge, labels: labelsOf("unit"),
		help: "Whether the unit is restarted again and again, or has failed after it was.",
	},
	unitActiveEnter: {
		name: "postflight_unit_active_enter_timestamp_seconds", kind: gauge, labels: labelsOf("unit"),
		help: "When the unit last became active.",
	},
	unitMemory: {
		name: "postflight_unit_memory_bytes", kind: gauge, labels: labelsOf("unit"),
		help: "Memory that the unit uses, as systemd accounts for it.",
	},
	unitTasks: {
		name: "postflight_unit_tasks", kind: gauge, labels: labelsOf("unit"),
		help: "Tasks (processes and threads) of the unit, as systemd accounts for them.",
	},
	unitObservable: {
		name: "postflight_unit_observable", kind: gauge, labels: labelsOf("unit"),
		help: "Whether the last look could see the unit.",
	},
	logObservable: {
		name: "postflight_log_observable", kind: gauge, labels: labelsOf("unit"),
		help: "Whether the unit's log can be read; absent where it is not watched.",
	},
	logLines: {
		name: "postflight_log_lines_total", kind: counter, labels: labelsOf("unit"),
		help: "Lines of the unit's log that were read.",
	},
	logDropped: {
		name: "postflight_log_dropped_total", kind: counter, labels: labelsOf("unit"),
		help: "Lines of the unit that journald says it dropped, so that nobody can read them.",
	},
	logMatches: {
		name: "postflight_log_matches_total", kind: counter, labels: labelsOf("unit", "pattern", "severity"),
		help: "Lines of the unit's log that the pattern matched.",
	},
	logMissingModules: {
		name: "postflight_log_missing_modules_total", kind: counter, labels: labelsOf("unit", "module"),
		help: "Lines of the unit's log that say that the module, or the library, is missing.",
	},
	logAuthDuration: {
		name: "postflight_log_value_auth_duration_seconds", kind: histogram, labels: labelsOf("unit"),
		help: "How long authentications took that the backend logs for being slow.",
	},
	extractionErrors: {
		name: "postflight_extraction_errors_total", kind: counter, labels: labelsOf("target", "check", "metric"),
		help: "Answers that did not yield a metric of the check's own.",
	},
	tokenConsistent: {
		name: "postflight_token_consistent", kind: gauge, labels: labelsOf(),
		help: "Whether the targets accept each other's tokens, as far as that could last be told.",
	},
	loginSuccess: {
		name: "postflight_login_success", kind: gauge, labels: labelsOf("credentials"),
		help: "Whether the last login with the credentials succeeded, at each target that they were used at.",
	},
	deploymentInfo: {
		name: "postflight_deployment_info", kind: gauge, labels: labelsOf("release"),
		help: "The newest release that was announced or seen to run; always 1.",
	},
	deploymentTimestamp: {
		name: "postflight_deployment_timestamp_seconds", kind: gauge, labels: labelsOf(),
		help: "When the newest deployment began.",
	},
	deploymentsTotal: {
		name: "postflight_deployments_total", kind: counter, labels: labelsOf("source"),
		help: "Deployments by who told of them.",
	},
	verificationState: {
		name: "postflight_verification_state", kind: stateSet, labels: labelsOf("state"),
		help: "How the verification of the newest deployment stands.",
	},
	verificationsTotal: {
		name: "postflight_verifications_total", kind: counter, labels: labelsOf("verdict"),
		help: "Verifications by their verdict, those of rollbacks among them.",
	},
	verificationDuration: {
		name: "postflight_verification_duration_seconds", kind: histogram, labels: labelsOf(),
		help: "How long verifications took until the verdict.",
	},
	verificationDetection: {
		name: "postflight_verification_detection_seconds", kind: histogram, labels: labelsOf(),
		help: "Time from a deployment that failed to the verdict that it did.",
	},
	verificationCause: {
		name: "postflight_verification_cause_info", kind: gauge, labels: labelsOf("cause"),
		help: "What the newest verdict names as a cause, or warns of; always 1.",
	},
	rollbackState: {
		name: "postflight_rollback_state", kind: stateSet, labels: labelsOf("state"),
		help: "How the rollback of the newest deployment stands.",
	},
	rollbacksTotal: {
		name: "postflight_rollbacks_total", kind: counter, labels: labelsOf("result"),
		help: "Rollbacks by how they ended.",
	},
	serviceRecovery: {
		name: "postflight_service_recovery_seconds", kind: histogram, labels: labelsOf(),
		help: "Time from failing, of a critical check or a unit, until all of them were well again.",
	},
	servicePaused: {
		name: "postflight_service_paused", kind: gauge, labels: labelsOf(),
		help: "Whether the service is paused: it is looked at, but no verification decides.",
	},
	discoveryTargets: {
		name: "postflight_discovery_targets", kind: gauge, labels: labelsOf(),
		help: "Targets that the service's target lists name.",
	},
	discoveryLastSuccess: {
		name: "postflight_discovery_last_success_timestamp_seconds", kind: gauge, labels: labelsOf(),
		help: "When the service's target lists were last read, of several the one that was read longest ago.",
	},
	reloadSuccessful: {
		name: "postflight_config_last_reload_successful", kind: gauge,
		help: "Whether the last try to load the configuration succeeded.",
	},
	reloadLastSuccess: {
		name: "postflight_config_last_reload_success_timestamp_seconds", kind: gauge,
		help: "When the configuration that is in effect was loaded.",
	},
	stateWritesFailed: {
		name: "postflight_state_writes_failed_total", kind: counter,
		help: "How often the state file could not be written, or at start not be read.",
	},
	schedulerLag: {
		name: "postflight_scheduler_lag_seconds", kind: histogram,
		help: "By how much probes started later than they were due.",
	},
	probesSkipped: {
		name: "postflight_probes_skipped_total", kind: counter, labels: labelsOf("reason"),
		help: "Probes that were due and did not run.",
	},
	buildInfo: {
		name: "postflight_build_info", kind: gauge, labels: []string{"version", "revision", "goversion"},
		help: "Which postflight this is; always 1.",
	},
}
