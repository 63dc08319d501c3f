package exporter

// metricID is a metric's place in the table.
type metricID int

const (
	probeSuccess metricID = iota
	probeWarning
	probeError
	probesTotal
	probeFailureInfo
	probeDuration
	probePhaseDuration
	probeStatusCode
	probeLastRun
	probeLastSuccess
	probeInterval
	certificateExpiry
	checkInfo
	targetInfo
	assertionSuccess
	authRejectionStatus
	authBypassed
	healthStatus
	healthComponentStatus
	dbSessionsActive
	dbSessionsMaxConcurrent
	dbSessionLifetime
	dbPotentialLeaks
	dbSessionsOpened
	dbSessionsClosed
	dbSessionErrors
	dbLongSessions
	queueTasks
	queueUsersProcessing
	queueUserTasksMax
	queueWait
	unitRestarts
	unitNRestarts
	unitStarts
	unitState
	unitExits
	unitMainExitStatus
	unitCrashLooping
	unitActiveEnter
	unitMemory
	unitTasks
	unitObservable
	logObservable
	logLines
	logDropped
	logMatches
	logMissingModules
	logAuthDuration
	extractionErrors
	tokenConsistent
	loginSuccess
	deploymentInfo
	discoveryTargets
	discoveryLastSuccess
	reloadSuccessful
	reloadLastSuccess
	stateWritesFailed
	schedulerLag
	probesSkipped
	buildInfo
	metricCount
)
