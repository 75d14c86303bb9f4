{{- /* The value of the key `executor` of the controller's ConfigMap: the fields that a controller takes from it. */ -}}
{{- define "skein.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "skein.executor" -}}
image: {{ include "skein.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- with .Values.resources }}
resources:
{{ toYaml . | indent 2 }}
{{- end }}
{{- with .Values.securityContext }}
securityContext:
{{ toYaml . | indent 2 }}
{{- end }}
{{- if or .Values.tracing.endpoint .Values.env }}
env:
{{- with .Values.tracing.endpoint }}
  - name: OTEL_EXPORTER_OTLP_ENDPOINT
    value: {{ . | quote }}
  - name: OTEL_EXPORTER_OTLP_PROTOCOL
    value: {{ $.Values.tracing.protocol | quote }}
{{- end }}
{{- with .Values.env }}
{{ toYaml . | indent 2 }}
{{- end }}
{{- end }}
{{- end -}}
