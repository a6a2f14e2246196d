// The page behind Outlook's report button. Old Outlooks show it in Internet Explorer's engine, so this is written for it.
(function () {
  "use strict";
  var given = document.body.dataset;

  function report() {
    var mailbox = Office.context.mailbox;
    var subject = String(mailbox.item.subject || "");
    mailbox.displayNewMessageForm({
      toRecipients: [given.reportTo],
      subject: (given.subject + ": " + subject).slice(0, 250),
      htmlBody: given.words,
      attachments: [{ type: "item", itemId: mailbox.item.itemId, name: (subject || given.subject).slice(0, 200) }]
    });
  }

  function pressed() {
    var failed = document.getElementById("failed");
    try {
      report();
      failed.hidden = true;
    } catch (e) {
      failed.hidden = false;
    }
  }

  // Outlook calls this by the name in the manifest, and waits for completed.
  window.reportMail = function (event) {
    try {
      report();
    } finally {
      event.completed();
    }
  };

  document.getElementById("report").addEventListener("click", pressed);
  if (window.Office && Office.onReady) {
    Office.onReady(function () {
      if (Office.actions && Office.actions.associate) {
        Office.actions.associate("reportMail", window.reportMail);
      }
    });
  }
})();
