// Ory Hydra as its own main package starts it. It is built from here because `go install` refuses a module whose go.mod has
// replacements; one of them points to a folder that the module's archive does not hold, and stands in go.mod as the published module.
package main

import "github.com/ory/hydra/v2/cmd"

func main() {
	cmd.Execute()
}
