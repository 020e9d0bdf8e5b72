// What is typed is never cut: where it is too long, the field says so and keeps it.

// Returns what is wrong with a text, in the words of the server; empty where nothing is.
export function tooLong(text, most) {
    const length = [...text].length;
    return length > most ? `Ensure this value has at most ${most} characters (it has ${length}).` : "";
}

// Lets a field of a form refuse what is too long.
export function bound(field, most) {
    field.addEventListener("input", () => field.setCustomValidity(tooLong(field.value.trim(), most)));
    return field;
}
