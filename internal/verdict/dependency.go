package verdict

import (
	"cmp"
	"strings"

	"postflight/probe"
)

// packages names what is to be installed where that is not called as the module is.
var packages = map[string]string{
	"Crypto":          "pycryptodome",
	"MySQLdb":         "mysqlclient",
	"OpenSSL":         "pyOpenSSL",
	"PIL":             "Pillow",
	"attr":            "attrs",
	"bs4":             "beautifulsoup4",
	"cv2":             "opencv-python",
	"dateutil":        "python-dateutil",
	"docx":            "python-docx",
	"dotenv":          "python-dotenv",
	"fitz":            "PyMuPDF",
	"git":             "GitPython",
	"google.protobuf": "protobuf",
	"jose":            "python-jose",
	"jwt":             "PyJWT",
	"magic":           "python-magic",
	"multipart":       "python-multipart",
	"pkg_resources":   "setuptools",
	"pymysql":         "PyMySQL",
	"serial":          "pyserial",
	"skimage":         "scikit-image",
	"sklearn":         "scikit-learn",
	"yaml":            "PyYAML",
	"zmq":             "pyzmq",
}

// dependencyWords says what a line names as missing, and what to do about it.
func dependencyWords(m probe.Match) (detail, remedy string) {
	switch {
	case m.Module == "":
		return "something cannot be imported", "Read which import fails in the lines above; add what it needs to the requirements and recreate the venv."
	case strings.Contains(m.Module, ".so"):
		return "the shared library " + m.Module + " is missing",
			"Install the system's package that brings " + m.Module + " (`apt-file search` or `dnf provides` names it), then `systemctl restart {unit}`."
	case strings.Contains(m.Text, "cannot import name"):
		return "the module " + m.Module + " lacks what is imported from it",
			"Pin the version of " + packageOf(m.Module) + " that this release was made for and recreate the venv; if the module is the service's own, mend the import."
	}
	if name, known := knownPackage(m.Module); known {
		return "the module " + m.Module + " is missing", "Add " + name + " to the requirements and recreate the venv."
	}
	return "the module " + m.Module + " is missing",
		"Add " + packageOf(m.Module) + " to the requirements and recreate the venv; if the module is the service's own, the release is incomplete."
}

// packageOf names the package that most likely brings a module.
func packageOf(module string) string {
	name, _ := knownPackage(module)
	top, _, _ := strings.Cut(module, ".")
	return cmp.Or(name, top)
}

func knownPackage(module string) (string, bool) {
	top, _, _ := strings.Cut(module, ".")
	name := cmp.Or(packages[module], packages[top])
	return name, name != ""
}
