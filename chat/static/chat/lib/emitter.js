// An EventTarget whose events are typed: each has a name and a detail.

/** @template {Record<string, any>} Events */
export class Emitter extends EventTarget {
    /**
     * @template {keyof Events & string} Name
     * @param {Name} name
     * @param {(detail: Events[Name]) => void} listener
     */
    on(name, listener) {
        this.addEventListener(name, (event) => listener(/** @type {CustomEvent<Events[Name]>} */ (event).detail));
    }

    /**
     * @template {keyof Events & string} Name
     * @param {Name} name
     * @param {Events[Name]} [detail]
     */
    emit(name, detail) {
        this.dispatchEvent(new CustomEvent(name, { detail }));
    }
}
