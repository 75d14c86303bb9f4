import { describe, expect, it } from "vitest";
import { parseTemplate, serialiseTemplate } from "./parse-template.ts";

const SOURCE = "the environment variable ARGO_TEMPLATE";

describe("parseTemplate", () => {
  it("keeps what it does not know", () => {
    const text = '{"name":"x","future":{"a":[1]},"container":{"image":"i","livenessProbe":{}}}';
    expect(JSON.parse(serialiseTemplate(parseTemplate(text, SOURCE)))).toEqual(JSON.parse(text));
  });

  it("turns numbers and booleans of parameters into strings", () => {
    const template = parseTemplate(
      '{"outputs":{"parameters":[{"name":"p","valueFrom":{"path":"/p","default":1.50}},{"name":"q","value":true}]}}',
      SOURCE,
    );
    expect(template.outputs?.parameters?.[0]?.valueFrom?.default).toBe("1.5");
    expect(template.outputs?.parameters?.[1]?.value).toBe("true");
  });

  it("turns numbers and booleans of an enum into strings, as in value", () => {
    const text =
      '{"outputs":{"parameters":[{"name":"p","enum":["a",1.50,1e3,true,null]},{"name":"q","enum":null}]}}';
    const { outputs } = parseTemplate(text, SOURCE);
    expect(outputs?.parameters?.[0]?.enum).toEqual(["a", "1.5", "1000", "true", ""]);
    expect(outputs?.parameters?.[1]?.enum).toBeNull();
  });

  it.each([
    ["{", /template in the environment variable ARGO_TEMPLATE is not JSON/],
    ["[]", /the template must be an object, got an array/],
    ["null", /the template must be an object, got null/],
    ['{"inputs":{"artifacts":{}}}', /inputs\.artifacts must be an array/],
    ['{"inputs":{"artifacts":[{"path":"/x"}]}}', /inputs\.artifacts\[0\]\.name must be a string/],
    ['{"outputs":{"artifacts":[{"name":"a","path":7}]}}', /outputs\.artifacts\[0\]\.path must be a string/],
    [
      '{"outputs":{"artifacts":[{"name":"a","s3":"bucket"}]}}',
      /outputs\.artifacts\[0\]\.s3 must be an object/,
    ],
    ['{"inputs":{"parameters":[{"name":"p","enum":"a"}]}}', /inputs\.parameters\[0\]\.enum must be an array/],
    ['{"script":{"source":5}}', /script\.source must be a string/],
    [
      '{"container":{"volumeMounts":[{"name":"v"}]}}',
      /container\.volumeMounts\[0\]\.mountPath must be a string/,
    ],
  ])("says what is wrong with %s, and where", (text, message) => {
    expect(() => parseTemplate(text, SOURCE)).toThrow(message);
  });
});
