// What a view returns, and how the page is brought to it. Only text nodes and attributes are ever
// set, so nothing that comes from a job or a server is read as HTML. What has not changed stays
// in place: focus, selections and scroll positions outlive a refresh.

const SVG = "http://www.w3.org/2000/svg";

/** An element that is wanted: `children` are elements, texts, or lists of them; null is nothing. */
export function h(tag, attributes, ...children) {
  const some = children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== "");
  return {tag, attributes: attributes ?? {}, children: some.map((c) => (typeof c === "object" ? c : String(c)))};
}

/** Makes the children of `parent` those that are wanted. */
export function show(parent, wanted) {
  const space = parent.namespaceURI === SVG ? SVG : null;
  wanted.forEach((want, i) => {
    const there = parent.childNodes[i];
    if (typeof want === "string") {
      if (there?.nodeType === Node.TEXT_NODE) {
        if (there.data !== want) there.data = want;
      } else {
        place(parent, there, document.createTextNode(want));
      }
      return;
    }
    let element = there;
    if (there?.nodeType !== Node.ELEMENT_NODE || there.localName !== want.tag) {
      const ns = space ?? (want.tag === "svg" ? SVG : null);
      element = ns ? document.createElementNS(ns, want.tag) : document.createElement(want.tag);
      place(parent, there, element);
    }
    dress(element, want.attributes);
    show(element, want.children);
  });
  while (parent.childNodes.length > wanted.length) parent.lastChild.remove();
}

function place(parent, there, made) {
  if (there) parent.replaceChild(made, there);
  else parent.append(made);
}

function dress(element, attributes) {
  for (const name of element.getAttributeNames()) {
    if (!(name in attributes)) element.removeAttribute(name);
  }
  for (const [name, value] of Object.entries(attributes)) {
    if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
  }
}
