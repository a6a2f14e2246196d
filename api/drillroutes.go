package api

import "kenshin/actor"

// drillRoutes are the mail drill: whatever a screen does, a script can do. Two different people must stand behind author and approver.
func (s *server) drillRoutes() []route {
	see, names, edit, approve, stop, manage := actor.SeeDrill, actor.SeeDrillNames, actor.EditDrill, actor.ApproveDrill, actor.StopDrill, actor.ManageDrill
	return []route{
		{"GET", "/drills", see, "list-drills", "List the mail drills, the newest first", "", list(s, s.listDrills, drillColumns...)},
		{"POST", "/drills", edit, "add-drill", "Write a drill as a draft", "From a scenario of the catalogue, or with a mail of your own.", one(s, s.addDrill)},
		{"GET", "/drills/people", edit, "list-drill-people", "The mailboxes that drills may be sent to", "", list(s, s.listPeople)},
		{"PUT", "/drills/people", edit, "put-drill-people", "Add mailboxes or change them", "Known by their address.", one(s, s.putPeople)},
		{"DELETE", "/drills/people/{id}", edit, "remove-drill-person", "Take a mailbox off the list", "", done(s, s.removePerson)},
		{"GET", "/drills/domains", see, "list-drill-domains", "The domains that drills may be sent to", "", list(s, s.listDomains)},
		{"POST", "/drills/domains", manage, "add-drill-domain", "Begin to prove that a domain is the hospital's own", "Answers the DNS record to publish.", one(s, s.addDomain)},
		{"POST", "/drills/domains/{domain}/check", manage, "check-drill-domain", "Look for the DNS record now", "", one(s, s.checkDomain)},
		{"POST", "/drills/domains/{domain}/confirm", manage, "confirm-drill-domain", "Give a code of the round trip", "", done(s, s.confirmDomain)},
		{"DELETE", "/drills/domains/{domain}", manage, "remove-drill-domain", "Withdraw a domain: nothing more is sent there", "", done(s, s.removeDomain)},
		{"GET", "/drills/settings", manage, "get-drill-settings", "How drills are sent", "", one(s, s.getDrillSettings)},
		{"PUT", "/drills/settings", manage, "put-drill-settings", "Change how drills are sent", "Approvals that were given before are void.", one(s, s.putDrillSettings)},
		{"GET", "/drills/scanners", see, "list-drill-scanners", "What this site's mail scanners look like", "Learned in preflights or written down.", list(s, s.listScanners)},
		{"POST", "/drills/scanners", edit, "add-drill-scanner", "Write down what a mail scanner of this site looks like", "All drills that still have names are judged anew.", one(s, s.addScanner)},
		{"DELETE", "/drills/scanners/{id}", edit, "remove-drill-scanner", "Take a scanner off the list, learned or written down", "All drills that still have names are judged anew.", done(s, s.removeScanner)},
		{"GET", "/drills/mailbox", manage, "get-drill-mailbox", "How the reading of the report mailbox goes", "", one(s, s.getMailbox)},
		{"POST", "/drills/mailbox/try", manage, "try-drill-mailbox", "Look into the report mailbox as it would be read", "Nothing in it changes. Takes up to half a minute.", one(s, s.tryMailbox)},
		{"GET", "/drills/settings/report-button/{file}", manage, "get-drill-report-button", "A file of the report button for the staff's mail programs",
			"kenshin-report-outlook.xml is a manifest for Microsoft 365, kenshin-report-thunderbird.xpi an extension.", s.reportButton},
		{"GET", "/drills/roll", names, "list-drill-roll", "The training roll: who finished which lesson", "", list(s, s.listRoll, rollColumns...)},
		{"GET", "/drills/coverage", see, "get-drill-coverage", "How many of each department finished a lesson in a fiscal year", "", one(s, s.getCoverage)},
		{"GET", "/drills/{id}", see, "get-drill", "One drill", "", one(s, s.getDrill)},
		{"PUT", "/drills/{id}", edit, "edit-drill", "Write a drill anew", "It is a draft again, and approvals are void.", one(s, s.editDrill)},
		{"POST", "/drills/{id}/copy", edit, "copy-drill", "Make a draft from a drill", "Answers the draft.", one(s, s.copyDrill)},
		{"GET", "/drills/{id}/mail", see, "get-drill-mail", "The mail as it goes out, with nobody's name in it", "", one(s, s.drillMail)},
		{"POST", "/drills/{id}/submit", edit, "submit-drill", "Fix recipients and times, and ask for approval", "", one(s, s.submitDrill)},
		{"POST", "/drills/{id}/approve", approve, "approve-drill", "The second person's word", "Not by whoever wrote it, nor by a token of theirs.", one(s, s.approveDrill)},
		{"POST", "/drills/{id}/reject", approve, "reject-drill", "Send a drill back to its author", "", done(s, s.rejectDrill)},
		{"POST", "/drills/{id}/pause", stop, "pause-drill", "Stop the sending within a second", "", done(s, s.pauseDrill)},
		{"POST", "/drills/{id}/resume", stop, "resume-drill", "Go on with the sending", "", done(s, s.resumeDrill)},
		{"POST", "/drills/{id}/withdraw", stop, "withdraw-drill", "End a drill for good", "What happened so far stays.", done(s, s.withdrawDrill)},
		{"POST", "/drills/{id}/close", edit, "close-drill", "End a drill that was sent", "Everybody who was mailed gets the feedback mail, unless the schedule says no.", done(s, s.closeDrill)},
		{"POST", "/drills/{id}/judge", edit, "judge-drill", "Judge anew which arrivals were made by people", "From what arrived, by the rules of now. It is done soon after.", done(s, s.judgeDrill)},
		{"POST", "/drills/{id}/releases", edit, "add-drill-releases", "Read a list of mails that were released from quarantine", "The same row twice counts once.", one(s, s.addReleases)},
		{"GET", "/drills/{id}/received", see, "get-drill-received", "How many of each department read a notice or finished a lesson that was sent", "", one(s, s.getReceived)},
		{"GET", "/drills/{id}/progress", see, "get-drill-progress", "How far the sending is", "", one(s, s.drillProgress)},
		{"GET", "/drills/{id}/targets", names, "list-drill-targets", "Every recipient with what happened", "", list(s, s.listTargets, targetColumns...)},
		{"GET", "/drills/{id}/targets/{target}", names, "get-drill-target", "One recipient's timeline with the reasons", "", one(s, s.getTarget)},
	}
}
