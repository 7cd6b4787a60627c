// Command generate rewrites docs/CODES.md from the catalogue. go generate runs
// it in pkg/diagnosis.
package main

import (
	"log"
	"os"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

func main() {
	if err := os.WriteFile("../../docs/CODES.md", diagnosis.Markdown(), 0o644); err != nil {
		log.Fatal(err)
	}
}
