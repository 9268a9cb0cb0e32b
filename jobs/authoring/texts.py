"""For every rule of the template linter: how bad, why it matters, how to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class RuleText:
    """What the author is told beside the place."""

    severity: Literal["error", "warning"]
    why: str
    mend: str


def _error(why: str, mend: str) -> RuleText:
    return RuleText("error", why, mend)


def _warning(why: str, mend: str) -> RuleText:
    return RuleText("warning", why, mend)


TEXTS = {
    "html": _error(
        "MTurk parses the page as HTML5 and refuses the HIT on any parse error.",
        "Correct the markup here; write & as &amp; and put a space between attributes.",
    ),
    "no-doctype": _error(
        "MTurk may refuse a page without a doctype, and browsers show it by old rules.",
        "Begin the page with <!DOCTYPE html>, and put html, head and body around its parts.",
    ),
    "too-large": _error(
        "MTurk refuses a question over 65,535 bytes, white space included.",
        "Ask fewer tasks a HIT, or move images, styles and long texts to addresses.",
    ),
    "cdata-end": _warning(
        "The page travels inside a CDATA section, which these three characters end.",
        "Write the > as &gt;, or in a script put a space between the characters.",
    ),
    "no-form": _error(
        "Only a form can be submitted: without one, the worker cannot finish the HIT.",
        "Wrap all fields in one <crowd-form>.",
    ),
    "nested-form": _error(
        "HTML has no nested forms: the inner one is dropped, or sends its fields elsewhere.",
        "Keep the outer form only.",
    ),
    "several-forms": _error(
        "Each form submits its own fields only, and the first submit ends the HIT.",
        "Put all fields into one <crowd-form>.",
    ),
    "assignment-id": _error(
        "The submission is refused without the assignment's id, spelled exactly so.",
        'Add <input type="hidden" id="assignmentId" name="assignmentId"> and fill it from the'
        " address of the page, after the page has loaded; or use <crowd-form>.",
    ),
    "form-method": _error(
        "externalSubmit takes a POST; a GET loses long answers and is refused.",
        'Write <form method="post">.',
    ),
    "no-preview-check": _warning(
        "In the preview a worker would fill in the page and lose the work at submit.",
        "Disable the submit button when assignmentId is ASSIGNMENT_ID_NOT_AVAILABLE, as"
        " turkSetAssignmentID() of externalHIT_v1.js does; or use <crowd-form>.",
    ),
    "no-submit": _warning(
        "A worker without a button cannot finish; a script may do it, but then rarely by keyboard.",
        'Add <input type="submit" value="Submit">.',
    ),
    "submit-address": _error(
        "The sandbox, production and other marketplaces have different addresses: a fixed one"
        " sends answers to the wrong place.",
        "Build the address from the page's turkSubmitTo parameter, or use <crowd-form>.",
    ),
    "no-crowd-script": _error(
        "Without the script, crowd elements are empty boxes that collect nothing.",
        'Add <script src="https://assets.crowd.aws/crowd-html-elements.js"></script>.',
    ),
    "no-name": _error(
        "A field without a name is not part of the answer.",
        "Give it a name of its own, or type=button if it is no answer.",
    ),
    "outside-form": _error(
        "Only fields inside the form are submitted; this one would be lost.",
        "Move it into the form.",
    ),
    "reserved-name": _error(
        "assignmentId, hitId, turkSubmitTo and workerId belong to the service, which drops or"
        " overwrites a field so named.",
        "Choose another name.",
    ),
    "file-field": _error(
        "Files are not stored: the service ended uploads in 2017.",
        "Ask for an address, or let the worker describe what you need.",
    ),
    "plain-checkbox": _warning(
        "An unticked check-box is absent from the answer, and of several with one name only one"
        " value may come back.",
        "Read an absent field as no, and give each box its own name; or use <crowd-checkbox>.",
    ),
    "duplicate-name": _error(
        "Of several fields with one name only one value comes back.",
        "Give every field a name of its own.",
    ),
    "button-type": _warning(
        "A <button> without a type submits the form: one click too early ends the HIT.",
        'Write type="button", or type="submit" if that is meant.',
    ),
    "unknown-element": _warning(
        "The local marketplace does not know this element and will tell the worker so.",
        "Use one of the elements that docs/templates.md lists.",
    ),
    "no-src": _error("There is no picture to work on.", "Set src to the picture's address."),
    "no-value": _warning(
        'Without a value every button of the group answers "on", and the answers look alike.',
        "Give each button its value.",
    ),
    "no-labels": _error(
        "Without labels the worker has nothing to choose from.",
        "Set the attribute to a list such as ['Cat', 'Dog'].",
    ),
    "bad-labels": _error(
        "The element cannot read this list and shows an error instead of the task.",
        "Write a list such as ['Cat', 'Dog']; in double-quoted attributes use single quotes.",
    ),
    "many-labels": _warning(
        "Amazon's element takes at most ten labels, and workers overlook long lists.",
        "Ask in two steps, or split the labels into several HITs.",
    ),
    "repeated-label": _error(
        "Two labels of one name cannot be told apart in the answer.",
        "Give each label a name of its own.",
    ),
    "no-instructions": _warning(
        "The standard element requires <full-instructions> and <short-instructions>.",
        "Add both as direct children.",
    ),
    "http-address": _warning(
        "Workers load the page over https, where browsers refuse or warn about http content.",
        "Use an https address.",
    ),
    "no-alt": _warning(
        "Workers with a screen reader, and everyone when the picture fails, are left without it.",
        'Add alt="…", or alt="" for decoration.',
    ),
    "top-location": _error(
        "The page runs in a sandboxed frame, which may not navigate the window around it.",
        "Submit the form; the marketplace moves the worker on.",
    ),
    "script-submit": _error(
        "The frame itself must load externalSubmit: an answer sent by script leaves the worker"
        " on the page and may not count.",
        "Submit a real form instead.",
    ),
    "eaten-literal": _warning(
        "A JavaScript template literal looks like a placeholder and is replaced or refused when"
        " the page is rendered by ${…} substitution.",
        "Join the text with + instead.",
    ),
    "value-in-script": _error(
        "A value from the data becomes code here: one row with a quote breaks the page, and a"
        " hostile one runs script.",
        "Put the value into a data attribute and read it from there, or use | tojson.",
    ),
    "field-in-script": _warning(
        "Here the value is written as a string of the script, with escapes; other venues splice"
        " it in as it is, where a quote breaks the page and hostile data runs.",
        "Put the value into a data attribute and read it from there, if the page is to run"
        " elsewhere; if it is the script's own literal, join the text with + instead.",
    ),
    "early-script": _error(
        "The script looks for the field before the browser has made it: assignmentId stays"
        " empty, and the submission is refused.",
        "Move the script below the form, or run it on DOMContentLoaded.",
    ),
    "enter-submits": _warning(
        "Enter in a line of text submits a plain form: one key too early ends the HIT.",
        "Stop it with a keydown listener, or use <crowd-form> with <crowd-input>.",
    ),
    "canvas-origin": _warning(
        "The browser lets no script read the pixels of a picture from another host, unless the"
        " picture is loaded with crossOrigin and its host allows it.",
        'Set image.crossOrigin = "anonymous" before src, and allow it in the store\'s CORS rules.',
    ),
    "unescaped": _warning(
        "| safe puts the data into the page as it is, script included.",
        "Leave it out, unless the value is your own markup.",
    ),
    "unquoted": _error(
        "A value with a space starts a new attribute here, such as an event handler.",
        "Put the attribute's value in quotes.",
    ),
    "not-xml": _error(
        "A question is XML or, through our own jobs, a page of HTML; JSON and objects of a"
        " program are refused.",
        "Pass the page itself, or an HTMLQuestion with the page in its HTMLContent.",
    ),
    "question-xml": _error(
        "A question that is no well-formed XML is refused as a whole.",
        "Write & as &amp; in addresses, and put a page into <![CDATA[ … ]]>.",
    ),
    "question-namespace": _error(
        "The namespace says which schema the question follows; another one is refused.",
        "Set xmlns to the address that is named here.",
    ),
    "frame-height": _warning(
        "A low frame makes workers scroll within a few lines, and hides the submit button.",
        "Write 0, which gives the frame all the room there is.",
    ),
    "missing-variable": _error(
        "The page would be published with a hole where the value belongs.",
        "Correct the name, or add the column to the data.",
    ),
    "extra-variable": _warning(
        "Data that the page does not use is often a misspelt placeholder.",
        "Use the column in the page, or leave it out.",
    ),
}
