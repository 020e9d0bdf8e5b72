// Returns the texts on this page that stand out too little from their ground (WCAG AA).
() => {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 1;
    const pen = canvas.getContext("2d", { willReadFrequently: true });

    function rgba(colour) {
        pen.clearRect(0, 0, 1, 1);
        pen.fillStyle = colour;
        pen.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
        return [r, g, b, a / 255];
    }

    function over(top, below) {
        return [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
    }

    function ground(element) {
        const layers = [];
        for (let e = element; e; e = e.parentElement) layers.push(rgba(getComputedStyle(e).backgroundColor));
        return layers.reduceRight((below, layer) => over(layer, below), rgba("Canvas"));
    }

    function luminance([r, g, b]) {
        const [x, y, z] = [r, g, b].map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    }

    function isDisabled(element) {
        return element.closest("[disabled], .visually-hidden, option, select") !== null;
    }

    const pale = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        const text = walker.currentNode.textContent.trim();
        if (!text || !element.checkVisibility({ visibilityProperty: true }) || isDisabled(element)) continue;
        const style = getComputedStyle(element);
        const behind = ground(element);
        const pair = [luminance(over(rgba(style.color), behind)), luminance(behind)].sort((a, b) => b - a);
        const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
        const size = parseFloat(style.fontSize);
        const enough = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
        if (ratio < enough) pale.push(`${ratio.toFixed(2)} ${style.color} “${text.slice(0, 40)}”`);
    }
    return [...new Set(pale)];
}
