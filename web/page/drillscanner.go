package page

import (
	"github.com/a-h/templ"

	"kenshin/drill"
	"kenshin/i18n"
)

// DrillScannersView is what this site's mail scanners look like. The form's fields: net, agent, note.
type DrillScannersView struct {
	Said, Learned    []drill.Scanner
	Net, Agent, Note string // as typed
	Errors           Errors
}

// DrillScannersPage lists them, and takes new ones.
func DrillScannersPage(s Shell, v DrillScannersView) templ.Component {
	return within(s, SectionDrills, i18n.Text{Ja: "メールの検査装置", En: "Mail scanners"}, drillScanners(v))
}

// scannerName tells one scanner from the others in the name of a button.
func scannerName(s drill.Scanner) string {
	if !s.Net.IsValid() {
		return s.Agent
	}
	return join(s.Net.String(), s.Agent)
}
