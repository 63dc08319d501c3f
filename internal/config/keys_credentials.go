package config

// credentialKeys say how to come by credentials.
var credentialKeys = []key{
	{
		path: "services[].credentials", kind: namesOf(mappingKind, checkName), otherwise: "none", example: "{admin: {token_file: admin-token}}",
		doc: "Credentials by name, each in one of the ways `token_file`, `token`, `basic_auth` and `login`. The built-in checks use those named `admin`, and do without where there are none; a check of your own says which it uses.",
	},
	{
		path: "services[].credentials.<name>.token", kind: tokenKind, otherwise: "none", example: "s3cr3t",
		doc: "The bearer token itself. Better is `token_file`, which keeps it out of this file.",
	},
	{
		path: "services[].credentials.<name>.token_file", kind: fileKind, otherwise: "none", example: "/run/credentials/postflight.service/admin-token",
		doc: "File that holds a bearer token. As every file of a secret it is read again when it changes. One that cannot be read is no mistake of the configuration: " +
			"the checks that need it report it, until it can be.",
	},
	{
		path: "services[].credentials.<name>.basic_auth", kind: mappingKind, otherwise: "none", example: "{username: ops, password_file: ops-password}",
		doc: "User and password that are sent with each request.",
	},
	{
		path: "services[].credentials.<name>.basic_auth.username", kind: basicUserKind, otherwise: isRequired, example: "ops",
		doc: "The user. It holds no colon.",
	},
	{
		path: "services[].credentials.<name>.basic_auth.password", kind: secretKind, otherwise: "none", example: "s3cr3t",
		doc: "The password, unless there is a `password_file`.",
	},
	{
		path: "services[].credentials.<name>.basic_auth.password_file", kind: fileKind, otherwise: "none", example: "ops-password",
		doc: "File that holds the password.",
	},
	{
		path: "services[].credentials.<name>.login", kind: mappingKind, otherwise: "none", example: "{path: /api/auth/login, username: ops, password_file: ops-password}",
		doc: "Request that is answered with a token, which is kept, and asked for anew before it expires and once after it was refused. " +
			"A login that fails is tried three times, and then once a minute, so that no account is locked. " +
			"Where there are several targets each is logged in at, and asked with the token that another one issued: whoever comes to them through one balancer needs them to accept each other's (`postflight_token_consistent`).",
	},
	{
		path: "services[].credentials.<name>.login.path", kind: pathKind, otherwise: isRequired, example: "/api/auth/login",
		doc: "Where the login is, added to the target. The method is `POST`.",
	},
	{
		path: "services[].credentials.<name>.login.format", kind: choice("format", "json", "form"), fallback: "json", example: "form",
		doc: "How the user and the password are sent: as the fields of a JSON object, or of a `form`.",
	},
	{
		path: "services[].credentials.<name>.login.username_field", kind: fieldKind, fallback: "username", example: "email",
		doc: "Name of the field that holds the user.",
	},
	{
		path: "services[].credentials.<name>.login.password_field", kind: fieldKind, fallback: "password", example: "secret",
		doc: "Name of the field that holds the password.",
	},
	{
		path: "services[].credentials.<name>.login.username", kind: userKind, otherwise: isRequired, example: "ops",
		doc: "The user.",
	},
	{
		path: "services[].credentials.<name>.login.password", kind: secretKind, otherwise: "none", example: "s3cr3t",
		doc: "The password, unless there is a `password_file`.",
	},
	{
		path: "services[].credentials.<name>.login.password_file", kind: fileKind, otherwise: "none", example: "ops-password",
		doc: "File that holds the password.",
	},
	{
		path: "services[].credentials.<name>.login.token", kind: valueKind, fallback: "body.access_token", example: "body.data.token",
		doc: "[Expression](#expressions) that gives the token, of the answer to the login.",
	},
	{
		path: "services[].credentials.<name>.allowed_targets", kind: listOf(allowedKind), otherwise: "the service's `targets` only", example: "[10.0.0.0/8, .internal.example]",
		doc: "Which targets that only a list names get the credentials, too: networks such as `10.0.0.0/8`, of targets that are written as an address, and ends of host names such as `.internal.example`, which stands for the name itself, too.",
	},
}
