"""Every code that a finding can have: its level, and what it says in general.

V01 to V20 are the rules of the validators that the submitters' scripts came with, numbered as in
docs/imports.md; the words are ours.
"""

from history.words import Level

E, W = Level.ERROR, Level.WARNING

CODES = {
    # The summary and the metadata beside each other.
    "V01": (E, "The summary lacks a line that it must have."),
    "V02": (E, "No frame was copied at all."),
    "V03": (E, "The metadata lacks what it must have."),
    "V04": (E, "The summary's queue policy is not that of the metadata."),
    "V05": (W, "A helper's summary, or its log, is not named."),
    "V06": (W, "The summary has no line for a scene."),
    "V07": (E, "Too few frames, and the summary does not warn of it."),
    "V08": (E, "History is missing or failed, and the summary does not say so."),
    "V09": (E, "A scene did not succeed, and the summary names no error."),
    "V10": (E, "A scene lacks its retry budget, its telemetry, or its telemetry line."),
    "V11": (E, "A figure of the telemetry is missing."),
    "V12": (E, "The exit reason is none of the five."),
    "V13": (E, "A key of the telemetry is missing."),
    "V14": (E, "Success was detected at no time."),
    "V15": (E, "A limit is told differently in text."),
    "V16": (E, "The GPU's name or memory is missing, or its delta is no difference."),
    "V17": (E, "The system's notes are missing, or not in the summary."),
    "V18": (E, "The summary's telemetry is not that of the metadata."),
    "V19": (E, "A figure of the post-processing cannot be."),
    "V20": (W, "The video's block is not whole."),
    # What a value may be.
    "wrong_type": (E, "A value is of another kind than it must be."),
    "out_of_range": (E, "A value cannot be true."),
    "not_finite": (E, "A number is NaN or infinite."),
    "number_as_text": (W, "A number is written as text."),
    "flag_as_text": (W, "Yes or no is written as text or number."),
    "not_whole": (W, "A count has a fraction."),
    "not_a_list": (W, "One thing stands where a list is expected."),
    "truncated": (W, "The writer cut a value off: it was nested too deeply for it."),
    "too_long": (W, "A text is longer than we keep; the document has all of it."),
    "time_unreadable": (E, "A time cannot be read."),
    "time_no_zone": (W, "A time has no zone."),
    "time_in_future": (W, "A time is still to come."),
    "not_utf8": (W, "The file is not UTF-8."),
    # What the file tells as a whole.
    "no_run_id": (E, "The run has no id of its own."),
    "no_scene_id": (E, "A scene has no id."),
    "same_scene_twice": (W, "Two scenes have one id."),
    "legacy_key": (W, "A key is an old name of another."),
    "placeholder": (W, "A value is an example's, not a run's."),
    "began_assumed": (W, "When the run began is not told."),
    "outcome_unknown": (W, "How a scene ended is not told."),
    "attempts_untold": (W, "Attempts were made of which nothing is told."),
    "requeued_mismatch": (W, "Requeued and the number of attempts disagree."),
    "over_budget": (W, "More attempts were made than the budget allows."),
    "over_poll_limit": (W, "More polls were made than the limit allows."),
    "duration_mismatch": (W, "Begin, end and duration disagree."),
    "ends_before_begin": (W, "Something ended before it began."),
    "policy_mismatch": (W, "A scene's policy is not the run's."),
    "vram_over_total": (W, "More memory is free than there is."),
    "more_findings": (W, "There are more findings than are kept."),
    # The file beside what was watched.
    "live_outcome": (W, "ComfyUI ended it otherwise than the file says."),
    "live_duration": (W, "ComfyUI worked longer than the file says it took."),
    "live_attempts": (W, "More attempts were watched than the file tells of."),
    "live_gpu": (W, "It was watched on another GPU than the file names."),
    "live_elsewhere": (W, "A prompt that the file means was watched as part of another run."),
    "live_ambiguous": (W, "Several watched prompts could be the one that the file means."),
}
