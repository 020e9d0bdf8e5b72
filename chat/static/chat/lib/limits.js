// A text that is typed is never cut: where it is too long, the field says so and keeps it.

/**
 * Returns what is wrong with a text, in the words of the server; "" where nothing is.
 * @param {string} text
 * @param {number} maxLength in characters
 */
export function lengthError(text, maxLength) {
    const { length } = [...text];
    return length > maxLength ? `Ensure this value has at most ${maxLength} characters (it has ${length}).` : "";
}

/**
 * Lets a field of a form refuse a text that is too long.
 * @param {HTMLInputElement} field
 * @param {number} maxLength
 */
export function limitLength(field, maxLength) {
    field.addEventListener("input", () => field.setCustomValidity(lengthError(field.value.trim(), maxLength)));
    return field;
}
